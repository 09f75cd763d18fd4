// The GGUF container: a header, typed metadata by key, tensor descriptions, aligned data. One file
// holds the text model, a second one (mmproj) the vision tower; either may be split. Names and
// shapes are the files' own, outermost extent first. Files are hostile: everything that a header
// claims is checked against the file before memory is taken for it, at most 32 times its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {

/// A value of the metadata; numbers of all sizes are widened.
using GgufValue = std::variant<bool, int64_t, double, std::string, std::vector<bool>,
                               std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

/// What the numbers of GGUF's tensor types mean to us.
struct GgufType {
  uint32_t number;
  const char* name;
  std::optional<tensor::DType> plain;
  std::optional<tensor::BlockFormat> blocks;
};
/// Null if the type is not supported.
const GgufType* gguf_type(uint32_t number);

struct GgufTensor {
  std::string name;
  const GgufType* type = nullptr;
  tensor::Shape shape;
  int64_t begin = 0;  // offsets from the start of the file
  int64_t end = 0;
};

struct GgufHeader {
  std::map<std::string, GgufValue> metadata;
  std::vector<GgufTensor> tensors;

  /// Null if the key is absent or of another kind.
  template <class T>
  const T* find(const std::string& key) const {
    const auto at = metadata.find(key);
    return at == metadata.end() ? nullptr : std::get_if<T>(&at->second);
  }
};

/// Reads and checks the header of a whole file in memory. `file` is how errors call it. Throws
/// Error.
GgufHeader parse_gguf(std::span<const std::byte> bytes, const std::string& file);

/// Every *.gguf file directly in the folder, sorted by name.
std::vector<std::filesystem::path> gguf_files(const std::filesystem::path& folder);
bool has_gguf(const std::filesystem::path& folder);

/// Opens all GGUF files of a folder as one. Throws Error, also if two hold the same tensor (a
/// folder with two quantisations of a model).
std::unique_ptr<TensorSource> open_gguf(const std::filesystem::path& folder);

}  // namespace visavis::checkpoint
