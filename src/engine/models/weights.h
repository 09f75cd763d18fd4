// The small steps between a WeightLoader and the structs of nn/: the same names at the end of a
// prefix, whatever the family.
#pragma once

#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"
#include "engine/load/loader.h"
#include "engine/models/text_decoder.h"
#include "engine/nn/norm.h"

namespace visavis::models {

/// The first of `candidates` for which a tensor candidate + probe exists. Throws Error listing the
/// names that were looked for.
std::string find_prefix(const checkpoint::TensorSource& source, const std::string& part,
                        const std::vector<std::string>& candidates, const std::string& probe);

/// prefix + "weight" and, if `bias`, prefix + "bias".
nn::Linear load_linear(load::WeightLoader& loader, const std::string& prefix, int64_t rows,
                       int64_t cols, load::Role role, bool bias);
nn::LayerNorm load_layer_norm(load::WeightLoader& loader, const std::string& prefix, int64_t width,
                              float eps, load::Role role);
nn::RmsNorm load_rms_norm(load::WeightLoader& loader, const std::string& name, int64_t width,
                          float eps, load::Role role);

/// The decoder below `prefix` ("model.language_model."); `head` is the full name of the head's
/// weight and is not read when embeddings are tied.
TextDecoder load_text(load::WeightLoader& loader, const TextConfig& config,
                      const std::string& prefix, const std::string& head, bool qk_norm,
                      ops::RopeTable rope);

/// Values in all tensors.
int64_t count_parameters(const checkpoint::TensorSource& source);

}  // namespace visavis::models
