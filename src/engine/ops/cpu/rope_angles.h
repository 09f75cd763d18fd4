// Cosine and sine of every (token, pair) of a step, kept from layer to layer: all layers of a step
// rotate by the same positions.
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "engine/ops/ops.h"

namespace visavis::ops {

class RopeAngles {
 public:
  /// Makes cosine() and sine() hold [tokens, pairs] for these positions (i32 [3, tokens]).
  /// The angle is float(position) * inv_freq in f32, then cosf and sinf, as in the oracle. Costs a
  /// comparison of the positions when they are the ones of the previous call.
  void update(const RopeTable& table, const int32_t* positions, int64_t tokens,
              base::ThreadPool& pool);
  const float* cosine() const { return cosine_.data(); }
  const float* sine() const { return sine_.data(); }

 private:
  RopeTable table_;
  std::vector<int32_t> positions_;
  std::vector<float> cosine_;
  std::vector<float> sine_;
};

}  // namespace visavis::ops
