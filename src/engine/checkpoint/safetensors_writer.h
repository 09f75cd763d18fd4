// Writes one safetensors file. Tensors are declared first (the header comes first in the file) and
// their data then streamed in the same order, so that a file larger than memory can be written.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor/buffer.h"

namespace visavis::checkpoint {

struct TensorSpec {
  std::string name;
  tensor::DType dtype = tensor::DType::f32;
  tensor::Shape shape;

  int64_t bytes() const { return shape.elements() * tensor::size_of(dtype); }
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

class SafetensorsWriter {
 public:
  /// Writes the header to `path` + ".tmp". Throws Error (name twice, cannot write).
  SafetensorsWriter(const std::filesystem::path& path, const std::vector<TensorSpec>& tensors,
                    const Metadata& metadata = {});
  /// Without finish() the temporary file is removed.
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  /// The next bytes of data, in any pieces. Throws Error when the disk is full.
  void write(std::span<const std::byte> bytes);
  /// Ends the file and gives it its name. Throws Error unless exactly the declared bytes came.
  void finish();

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail_to_write() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::unique_ptr<std::FILE, Closer> file_;
  int64_t missing_ = 0;  // declared bytes that did not come yet
};

/// Writes a small file in one call; views must be on the host. Throws Error.
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, tensor::View>>& tensors,
                       const Metadata& metadata = {});

}  // namespace visavis::checkpoint
