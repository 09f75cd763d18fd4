// Random weights as a container: a folder whose random_weights.json lists names, types and shapes,
// for measuring memory and speed at a real model's size without its checkpoint. Values repeat: one
// tile of some 64 MB stands behind every tensor, each beginning at a place of its own in it, so
// that 16 GB of weights cost neither disk nor memory. Answers are noise.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/safetensors_writer.h"
#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {

/// Writes random_weights.json: what open_random_weights gives. Throws Error.
void write_random_weights(const std::filesystem::path& folder,
                          const std::vector<TensorSpec>& tensors, uint64_t seed);

/// Whether the folder has a random_weights.json.
bool has_random_weights(const std::filesystem::path& folder);

/// What such a file says; `file` is how errors call it. Throws Error: bad JSON, a type other than
/// f32, bf16 and f16, sizes out of range.
struct RandomWeightsList {
  std::vector<TensorSpec> tensors;
  uint64_t seed = 0;
};
RandomWeightsList parse_random_weights(std::string_view json, const std::string& file);

/// Opens it. Matrices are normal with mean 0 and deviation 0.02, biases with 0.01, other vectors
/// (norms) are around 1; a class embedding counts as a matrix. The same seed gives the same values
/// on every machine. Throws Error, also for a name that appears twice.
std::unique_ptr<TensorSource> open_random_weights(const std::filesystem::path& folder);

/// The same without a file; `name` is how errors call it.
std::unique_ptr<TensorSource> make_random_weights(const std::vector<TensorSpec>& tensors,
                                                  uint64_t seed, const std::string& name);

}  // namespace visavis::checkpoint
