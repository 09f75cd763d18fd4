// The TensorSource of containers whose files are mapped as they are: what is where in which file.
// Each container reads its own headers and adds its files here.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {

/// A tensor in a file; begin and end are offsets from the file's start.
struct MappedTensor {
  std::string name;
  tensor::DType dtype = tensor::DType::f32;
  tensor::Shape shape;
  int64_t begin = 0;
  int64_t end = 0;
  std::unique_ptr<EncodedTensor> encoded = {};  // null for plain values
};

class MappedSource : public TensorSource {
 public:
  /// Throws Error if a tensor's name was added before.
  void add(std::unique_ptr<base::MappedFile> file, std::vector<MappedTensor> tensors);
  /// After the last file.
  void finish();

  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  const TensorInfo* find(const std::string& name) const override;
  const EncodedTensor* encoded(const std::string& name) const override;
  tensor::View read(const std::string& name) const override;
  std::optional<FilePlace> place(const std::string& name) const override;
  using TensorSource::drop;
  void drop(const std::string& name, int64_t begin, int64_t end) const override;
  std::shared_ptr<void> keep_alive() const override { return files_; }
  int64_t file_bytes() const override { return bytes_; }

 private:
  struct Files {
    std::vector<std::unique_ptr<base::MappedFile>> files;
  };
  struct Place {
    const base::MappedFile* file = nullptr;
    int64_t begin = 0;
    int64_t end = 0;
    size_t info = 0;  // in infos_
    std::unique_ptr<EncodedTensor> encoded = {};
  };
  const Place& at(const std::string& name) const;

  std::shared_ptr<Files> files_ = std::make_shared<Files>();  // shared with kept weights
  std::vector<TensorInfo> infos_;
  std::map<std::string, Place> places_;
  int64_t bytes_ = 0;
};

/// All shards that an index file names, each brought in by `add`. Throws Error naming the index: a
/// shard is missing, or a tensor is not where the index says.
std::unique_ptr<TensorSource> open_shards(
    const std::filesystem::path& index,
    const std::function<void(MappedSource&, const std::filesystem::path&)>& add);

}  // namespace visavis::checkpoint
