// The names under which other containers keep this family's tensors.
#pragma once

#include <memory>

#include "engine/checkpoint/config_reader.h"
#include "engine/checkpoint/tensor_source.h"

namespace visavis::models::llava {

/// The tensors under the hub's names; GGUF's (text model and mmproj) are recognised by
/// token_embd.weight, those of the model's authors by model.mm_projector.0.weight. Throws Error.
std::unique_ptr<checkpoint::TensorSource> with_hub_names(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& reader);

}  // namespace visavis::models::llava
