// Named tensors of a checkpoint, whatever container they come from (safetensors or random weights
// today; GGUF, .bin and the packed cache are further containers). Names are the checkpoint's own.
// Matrices in codes of a published format appear under the name of what they stand for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mmap.h"
#include "engine/checkpoint/encoded_tensor.h"
#include "engine/tensor/buffer.h"

namespace visavis::checkpoint {

struct TensorInfo {
  std::string name;
  tensor::DType dtype = tensor::DType::f32;  // encoded: the type that its values were made from
  tensor::Shape shape;
  std::string file;  // where it lies, for errors
};

/// Bytes [begin, end) of a mapped file.
struct FilePlace {
  const base::MappedFile* file = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
};

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  /// Sorted by name.
  virtual const std::vector<TensorInfo>& tensors() const = 0;
  /// Null if there is none of this name.
  virtual const TensorInfo* find(const std::string& name) const = 0;
  /// How to read a tensor whose bytes are not its values, null for the others. Such a tensor has no
  /// read(), place() and drop() of its own. Lives as long as the source.
  virtual const EncodedTensor* encoded(const std::string& /*name*/) const { return nullptr; }
  /// The tensor's bytes, valid as long as the source; files promise no alignment, so read values
  /// with memcpy. Throws Error if there is none of this name.
  virtual tensor::View read(const std::string& name) const = 0;
  /// Where read()'s bytes come from; nothing if from no file. Lives as long as the source.
  virtual std::optional<FilePlace> place(const std::string& name) const = 0;
  /// These bytes of the tensor will not be read again soon: their resident pages are given back.
  virtual void drop(const std::string& name, int64_t begin, int64_t end) const = 0;
  /// The same for all of the tensor's bytes.
  void drop(const std::string& name) const { drop(name, 0, read(name).bytes()); }
  /// What keeps read()'s bytes alive, for weights that stay in the mapped file.
  virtual std::shared_ptr<void> keep_alive() const = 0;
  /// Bytes of all files.
  virtual int64_t file_bytes() const = 0;
};

/// Opens the weights of a checkpoint folder by its contents (containers.cpp lists what is known).
/// Everything is checked before this returns. Throws Error.
std::unique_ptr<TensorSource> open_tensors(const std::filesystem::path& folder);

}  // namespace visavis::checkpoint
