// The inner loops of the scale search, in a build per instruction set: plain and AVX2. Both give
// the same bits: candidates are compared by sums of integers, which have no order, and what is left
// in floats is done value by value.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace visavis::load {

/// Values that a kernel takes at once; a group is padded with zeros, which change nothing.
inline constexpr int64_t kFitStep = 32;
inline constexpr int64_t kFitLargest = 128;  // values of a group, at most

struct FitLoops {
  /// The scale (not yet rounded to f16, either sign) that gives a group the smallest squared error
  /// found; 0 for a group below the smallest f16. `count` is a multiple of kFitStep.
  float (*search)(const float* values, int64_t count);
  /// Nibbles of level + 8, the even value low, for levels -8..7 next to value * inverse; `count` is
  /// a multiple of kFitStep.
  void (*encode)(const float* values, int64_t count, float inverse, uint8_t* codes);
};

struct FitKernel {
  std::string_view name;
  bool (*supported)();
  const FitLoops* (*loops)();  // null in a build for other machines
};

/// Fastest first; the last row is the plain reference and runs everywhere.
std::span<const FitKernel> fit_kernels();
/// The first that this CPU can run.
const FitKernel& fit_kernel();

}  // namespace visavis::load
