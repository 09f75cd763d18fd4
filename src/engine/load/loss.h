// What holding a tensor in a layout costs: its values against those that the layout gives back.
// Reads the weights; nothing of it is needed to load them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "engine/checkpoint/tensor_source.h"
#include "engine/load/loader.h"

namespace visavis::load {

/// Sums over a tensor; the relative error is root(differences / squares).
struct Loss {
  double squares = 0;      // of the values
  double differences = 0;  // squared

  double relative() const;
  Loss& operator+=(const Loss& other);
};

/// The loss of a planned tensor, which `source` must have. Throws Error for NaN and infinity.
Loss loss_of(const checkpoint::TensorSource& source, const PlannedTensor& tensor,
             base::ThreadPool& pool);

/// What the codes of an encoded tensor stand for when a layout keeps them, rows [begin, end) one
/// after the other. Its form must not be none. Throws Error where a scale does not fit f16.
std::vector<float> kept_values(const checkpoint::EncodedTensor& encoded, int64_t begin, int64_t end,
                               int64_t cols);

}  // namespace visavis::load
