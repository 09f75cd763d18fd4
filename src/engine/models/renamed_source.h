// A checkpoint under the names that its family reads, whatever its container calls its tensors:
// GGUF's short names, the original authors' modules. A family gives the rules.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/checkpoint/source_over.h"

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

class RenamedSource : public checkpoint::SourceOver {
 public:
  /// A tensor takes the first rule that fits; others keep their names. Throws Error, also where two
  /// tensors get one name.
  RenamedSource(std::unique_ptr<checkpoint::TensorSource> source,
                const std::vector<RenameRule>& rules);

  const checkpoint::EncodedTensor* encoded(const std::string& name) const override;

 protected:
  const std::string& stored_name(const std::string& name) const override;

 private:
  struct Entry {
    std::string stored;
    std::unique_ptr<checkpoint::EncodedTensor> encoded = {};  // null: as the stored one
  };
  // What the tensor appears as.
  checkpoint::TensorInfo add(const checkpoint::TensorInfo& info, const std::string& name,
                             const RenameRule& rule);

  std::map<std::string, Entry> entries_;
};

}  // namespace visavis::models
