// A checkpoint under the names that its family reads, whatever its container calls its tensors:
// GGUF's short names, the original authors' modules. A family gives the rules.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::models {

struct RenameRule {
  enum class Rows {
    as_stored,
    paired,      // GGUF's two halves of a patch embedding: the second is called `stored` + ".1"
    rotary,      // GGUF's order of heads for rotating neighbours: back to rotating halves
    vocabulary,  // rows that are missing at the end are zeros
  };
  std::string stored;  // "blk.{}.attn_q.weight": {} stands for a number, the same in both
  std::string name;    // "model.language_model.layers.{}.self_attn.q_proj.weight"
  Rows rows = Rows::as_stored;
  int64_t count = 0;  // rotary: rows of a head; vocabulary: rows that the model has
};

class RenamedSource : public checkpoint::TensorSource {
 public:
  /// A tensor takes the first rule that fits; others keep their names. Throws Error, also where two
  /// tensors get one name.
  RenamedSource(std::unique_ptr<checkpoint::TensorSource> stored,
                const std::vector<RenameRule>& rules);

  const std::vector<checkpoint::TensorInfo>& tensors() const override { return infos_; }
  const checkpoint::TensorInfo* find(const std::string& name) const override;
  const checkpoint::EncodedTensor* encoded(const std::string& name) const override;
  tensor::View read(const std::string& name) const override { return stored_->read(plain(name)); }
  std::optional<checkpoint::FilePlace> place(const std::string& name) const override {
    return stored_->place(plain(name));
  }
  using TensorSource::drop;
  void drop(const std::string& name, int64_t begin, int64_t end) const override {
    stored_->drop(plain(name), begin, end);
  }
  std::shared_ptr<void> keep_alive() const override { return stored_->keep_alive(); }
  int64_t file_bytes() const override { return stored_->file_bytes(); }

 private:
  struct Entry {
    std::string stored;
    std::unique_ptr<checkpoint::EncodedTensor> encoded = {};  // null: as the stored one
  };
  void add(const checkpoint::TensorInfo& info, const std::string& name, const RenameRule& rule);
  // The stored name of a tensor that is read as it is.
  const std::string& plain(const std::string& name) const;

  std::unique_ptr<checkpoint::TensorSource> stored_;
  std::vector<checkpoint::TensorInfo> infos_;  // sorted by name
  std::map<std::string, Entry> entries_;
};

}  // namespace visavis::models
