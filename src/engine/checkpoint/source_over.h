// A TensorSource over another one that shows some of its tensors differently: under other names, or
// as what their codes stand for. Values that are as they were stored are passed on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {

class SourceOver : public TensorSource {
 public:
  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  const TensorInfo* find(const std::string& name) const override;
  tensor::View read(const std::string& name) const override {
    return stored_->read(stored_name(name));
  }
  std::optional<FilePlace> place(const std::string& name) const override {
    return stored_->place(stored_name(name));
  }
  using TensorSource::drop;
  void drop(const std::string& name, int64_t begin, int64_t end) const override {
    stored_->drop(stored_name(name), begin, end);
  }
  std::shared_ptr<void> keep_alive() const override { return stored_->keep_alive(); }
  int64_t file_bytes() const override { return stored_->file_bytes(); }

 protected:
  explicit SourceOver(std::unique_ptr<TensorSource> stored) : stored_(std::move(stored)) {}
  const TensorSource& stored() const { return *stored_; }
  /// Called once by the constructor, in any order of names.
  void show(std::vector<TensorInfo> infos);
  /// The name of a tensor whose bytes are as stored. Throws Error for others.
  virtual const std::string& stored_name(const std::string& name) const = 0;

 private:
  std::unique_ptr<TensorSource> stored_;
  std::vector<TensorInfo> infos_;  // sorted by name
};

}  // namespace visavis::checkpoint
