// The scale search behind fit_kernels.h, compiled once per instruction set with that set's Steps.
// Everything has internal linkage and calls nothing of a library, so that no copy built for a newer
// CPU can be linked in elsewhere.
//
// A group is first rounded to integers up to kTop. A candidate maps them to levels by one
// multiplication and is judged by two sums of integers: with levels l the best scale is
// sum(l y) / sum(l l), and the squared error is sum(y y) - sum(l y)^2 / sum(l l).
#pragma once

#include "engine/load/fit_kernels.h"

namespace visavis::load {
namespace {

// The largest value becomes this: 50 steps and more between two levels, so that rounding to them
// costs next to nothing, and sums that floats hold exactly too.
constexpr float kTop = 1023.0f;
// level = y * multiplier / kOne, rounded. Multipliers are odd, so that no product of at most kTop
// lies half way between two levels and every way of rounding gives the same.
constexpr float kOne = 32768.0f;

/// The levels of a positive scale are -8..7, those of a negative one -7..8.
struct Range {
  int16_t lowest;
  int16_t highest;
};
constexpr Range kRanges[] = {{-8, 7}, {-7, 8}};

constexpr int kFour = 4;  // candidates that a kernel tries at once

/// Sums over one group, per candidate; ll is above 0, as the largest value is never on level 0.
struct FitSums {
  alignas(16) int32_t ly[kFour];
  alignas(16) int32_t ll[kFour];
};

// First the largest value is put on level 8 times these: below 1 it is inside the range, above it
// is clipped, which pays when the group has an outlier. Then finer factors around the best of them,
// with the range that has the eighth level on the other side as well.
constexpr float kReach[] = {0.953f, 1.026f, 1.105f, 1.174f, 1.242f, 1.474f, 1.817f, 2.306f};
constexpr float kFine[kFour] = {0.967f, 0.986f, 1.009f, 1.031f};

struct Fit {
  float scale = 0;  // least squares for the levels that the candidate gives
  float gain = 0;   // by how much the squared error is below that of all zeros
  int range = 0;
};

// Without branches that nobody can predict: the candidate's number rides in the lowest bits of its
// gain, so that the best is a maximum of integers (of nearly equal ones the first).
inline void take_best(const FitSums& sums, int range, Fit& best) {
  constexpr uint32_t kNumber = kFour - 1;
  uint32_t winner = 0;
  for (uint32_t c = 0; c < kFour; ++c) {
    const auto ly = static_cast<float>(sums.ly[c]);
    const auto ll = static_cast<float>(sums.ll[c]);
    const uint32_t key = (__builtin_bit_cast(uint32_t, ly * ly / ll) & ~kNumber) | (kNumber - c);
    winner = key > winner ? key : winner;
  }
  const auto gain = __builtin_bit_cast(float, winner & ~kNumber);
  if (!(gain > best.gain)) return;
  const uint32_t c = kNumber - (winner & kNumber);
  best = {static_cast<float>(sums.ly[c]) / static_cast<float>(sums.ll[c]), gain, range};
}

template <class Steps>
void try_four(const int16_t* fixed, int64_t count, const float* factors, float one, int range,
              Fit& best) {
  int16_t multipliers[kFour];
  for (int c = 0; c < kFour; ++c)
    multipliers[c] = static_cast<int16_t>(static_cast<int16_t>(factors[c] * one) | 1);
  FitSums sums;
  Steps::candidates(fixed, count, multipliers, kRanges[range], sums);
  take_best(sums, range, best);
}

template <class Steps>
float search(const float* values, int64_t count) {
  constexpr float kSmallestScale = 0x1.0p-24f;  // the smallest f16
  const float largest = Steps::largest(values, count);
  if (largest < kSmallestScale && largest > -kSmallestScale) return 0;
  alignas(64) int16_t fixed[kFitLargest];
  Steps::to_fixed(values, count, kTop / largest, fixed);

  constexpr float kTopOnEight = 8 * kOne / kTop;
  Fit best;
  try_four<Steps>(fixed, count, kReach, kTopOnEight, 1, best);
  try_four<Steps>(fixed, count, kReach + kFour, kTopOnEight, 1, best);
  const float one = kOne / best.scale;
  try_four<Steps>(fixed, count, kFine, one, 1, best);
  try_four<Steps>(fixed, count, kFine, one, 0, best);
  const float scale = best.scale * (largest / kTop);
  return best.range == 0 ? scale : -scale;
}

}  // namespace
}  // namespace visavis::load
