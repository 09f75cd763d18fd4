// The inner loops of the scale search, in two builds of the same source (fit_lanes.h): plain and
// AVX2. Both give the same bits: the lanes and the order of sums do not depend on the build (and
// with eight lanes AVX-512 has nothing to add).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace visavis::load {

inline constexpr int kFitLanes = 16;

/// Sums over one group: of level * x and of level * level.
struct FitSums {
  alignas(64) float lx[kFitLanes];
  alignas(64) float ll[kFitLanes];
};

/// What a given scale makes of a group.
struct ScaleSums {
  float error = 0;  // sum of (x - level * scale)^2
  float lx = 0;
  float ll = 0;
};

struct FitKernel {
  std::string_view name;
  bool (*supported)();
  /// The sums for kFitLanes inverse scales at once.
  void (*candidates)(const float* values, int64_t count, const float* inverse, FitSums& sums);
  /// `count` is a multiple of kFitLanes (zeros change nothing).
  void (*with_scale)(const float* values, int64_t count, float scale, float inverse,
                     ScaleSums& sums);
  /// Nibbles of level + 8, the even value low; `count` is a multiple of kFitLanes.
  void (*encode)(const float* values, int64_t count, float inverse, uint8_t* codes);
};

/// Fastest first; the last row is the plain reference and runs everywhere.
std::span<const FitKernel> fit_kernels();
/// The first that this CPU can run.
const FitKernel& fit_kernel();

}  // namespace visavis::load
