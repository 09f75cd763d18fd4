// The safetensors container: 8 bytes header length (little-endian), a JSON header, raw tensor data;
// one file, or shards listed in model.safetensors.index.json. Files are hostile: everything that
// the header claims is checked against the file before a byte of data is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {

inline constexpr int64_t kMaxSafetensorsHeader = 100'000'000;  // the format's own limit

/// Where one tensor lies in a file; begin and end are offsets from the start of the file.
struct SafetensorsEntry {
  std::string name;
  tensor::DType dtype = tensor::DType::f32;
  tensor::Shape shape;
  int64_t begin = 0;
  int64_t end = 0;
};

/// Reads and checks the header of a whole file in memory: length, JSON, known types, shape x type =
/// bytes, data inside the file without gap or overlap, no name twice. `file` is how errors call it.
/// Returns the tensors in the order of their data. Throws Error.
std::vector<SafetensorsEntry> parse_safetensors(std::span<const std::byte> bytes,
                                                const std::string& file);

/// (tensor, shard file) in the index's order. Shard names must be plain file names. Throws Error.
std::vector<std::pair<std::string, std::string>> parse_shard_index(std::string_view json,
                                                                   const std::string& file);

/// Opens model.safetensors, or the shards of model.safetensors.index.json, or the folder's only
/// *.safetensors file. Throws Error.
std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& folder);

/// Opens one file by its path. Throws Error.
std::unique_ptr<TensorSource> open_safetensors_file(const std::filesystem::path& file);

/// Whether open_safetensors has something to open there.
bool has_safetensors(const std::filesystem::path& folder);

}  // namespace visavis::checkpoint
