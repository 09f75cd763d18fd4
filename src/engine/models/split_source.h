// A TensorSource in which fused tensors also appear as their parts: "attn.qkv.weight" of
// [3 * width, ...] can be read as "attn.qkv.weight:0", ":1" and ":2". So the loader quantises and
// places q, k and v apart, whatever the checkpoint fused.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::models {

class SplitSource : public checkpoint::TensorSource {
 public:
  /// Every tensor whose name ends with one of `endings` is offered in `parts` equal parts along its
  /// first extent, which must be a multiple of `parts`; others stay as they are. Throws Error.
  SplitSource(std::unique_ptr<checkpoint::TensorSource> source,
              const std::vector<std::string>& endings, int64_t parts);

  static std::string part_name(std::string_view name, int64_t part);
  /// The stored name that a part's begins with; other names as they are.
  static std::string whole_name(std::string_view name);

  const std::vector<checkpoint::TensorInfo>& tensors() const override { return tensors_; }
  const checkpoint::TensorInfo* find(const std::string& name) const override;
  const checkpoint::EncodedTensor* encoded(const std::string& name) const override;
  tensor::View read(const std::string& name) const override;
  std::optional<checkpoint::FilePlace> place(const std::string& name) const override;
  void drop(const std::string& name, int64_t begin, int64_t end) const override;
  std::shared_ptr<void> keep_alive() const override { return source_->keep_alive(); }
  int64_t file_bytes() const override { return source_->file_bytes(); }

 private:
  struct Part {
    std::string whole;
    int64_t index = 0;
  };

  std::unique_ptr<checkpoint::TensorSource> source_;
  int64_t parts_;
  std::vector<checkpoint::TensorInfo> tensors_;  // sorted by name
  std::map<std::string, Part> split_;
  std::map<std::string, std::unique_ptr<checkpoint::EncodedTensor>> encoded_;  // parts of those
};

}  // namespace visavis::models
