// A TensorSource with further tensors that are made of the stored ones: rows in another order, a
// matrix turned over, a table of positions at another size. A family adds what its layers want.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::models {

class DerivedSource : public checkpoint::TensorSource {
 public:
  explicit DerivedSource(std::unique_ptr<checkpoint::TensorSource> stored);

  /// What derived tensors read from; lives as long as this.
  const checkpoint::TensorSource& stored() const { return *stored_; }
  /// Adds a tensor; info.name must be new.
  void add(checkpoint::TensorInfo info, std::unique_ptr<checkpoint::EncodedTensor> values);

  const std::vector<checkpoint::TensorInfo>& tensors() const override { return infos_; }
  const checkpoint::TensorInfo* find(const std::string& name) const override;
  const checkpoint::EncodedTensor* encoded(const std::string& name) const override;
  tensor::View read(const std::string& name) const override { return stored_->read(name); }
  std::optional<checkpoint::FilePlace> place(const std::string& name) const override {
    return stored_->place(name);
  }
  using TensorSource::drop;
  void drop(const std::string& name, int64_t begin, int64_t end) const override {
    stored_->drop(name, begin, end);
  }
  std::shared_ptr<void> keep_alive() const override { return stored_->keep_alive(); }
  int64_t file_bytes() const override { return stored_->file_bytes(); }

 private:
  std::unique_ptr<checkpoint::TensorSource> stored_;
  std::vector<checkpoint::TensorInfo> infos_;  // sorted by name
  std::map<std::string, std::unique_ptr<checkpoint::EncodedTensor>> derived_;
};

/// [columns, rows] of a plain matrix [rows, columns]. The source must outlive the result.
std::unique_ptr<checkpoint::EncodedTensor> transposed(const checkpoint::TensorSource& source,
                                                      const std::string& name);

/// [to * to, columns] of a plain table [from * from, columns], a square grid row by row, sampled
/// with a bicubic filter (a = -0.75, edges repeated, corners not aligned). The source must outlive
/// the result. Throws Error if the table is no square grid. Source: torch's interpolate.
std::unique_ptr<checkpoint::EncodedTensor> resampled_grid(const checkpoint::TensorSource& source,
                                                          const std::string& name, int64_t to);

}  // namespace visavis::models
