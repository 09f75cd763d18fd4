#include "engine/load/quantize.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace visavis::load {
namespace {

using tensor::F16;
using tensor::to_f16;
using tensor::to_float;

constexpr int kLanes = kFitLanes;  // candidates tried at once
// Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer, ties to even.
constexpr float kRounder = 12582912.0f;
constexpr int64_t kLargestGroup = 128;

constexpr float kLowest = -8.0f;

// The largest magnitude is put on level -8 divided by these: below 1 it is inside the range, above
// it is clipped, which pays when the group has an outlier.
constexpr float kReach[kLanes / 2] = {0.96f, 1.02f, 1.1f, 1.2f, 1.33f, 1.52f, 1.8f, 2.3f};
// Finer factors around the best of them.
constexpr float kFine[kLanes] = {0.900f, 0.915f, 0.930f, 0.945f, 0.960f, 0.972f, 0.984f, 0.994f,
                                 1.000f, 1.006f, 1.016f, 1.028f, 1.042f, 1.056f, 1.070f, 1.085f};

struct Fit {
  float scale = 0;  // least squares for the codes that the candidate gives
  float gain = 0;   // by how much the squared error is below that of all zeros
};

// With levels l the best scale is sum(l x) / sum(l l) and the squared error is
// sum(x x) - sum(l x)^2 / sum(l l).
Fit best_fit(const FitKernel& kernel, const float* values, int64_t count, const float* inverse) {
  FitSums sums;
  kernel.candidates(values, count, inverse, sums);
  Fit best;
  for (int c = 0; c < kLanes; ++c) {
    if (!(sums.ll[c] > 0)) continue;
    const float gain = sums.lx[c] * sums.lx[c] / sums.ll[c];
    if (gain > best.gain) best = {sums.lx[c] / sums.ll[c], gain};
  }
  return best;
}

float to_scale(float wanted) { return to_float(to_f16(wanted)); }

// A scale must have an inverse that is a number.
bool usable(float scale) { return scale != 0 && std::isfinite(scale); }

// The f16 scale of one group; 0 if the group is all zero or vanishes in f16. `values` is padded
// with zeros to `padded`.
float search_scale(const FitKernel& kernel, const float* values, int64_t count, int64_t padded) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) > std::fabs(largest)) largest = values[i];
  constexpr float kSmallestScale = 0x1.0p-24f;  // the smallest f16
  if (std::fabs(largest) < kSmallestScale) return 0;

  float inverse[kLanes];
  for (int c = 0; c < kLanes / 2; ++c) {
    const float coarse = kLowest * kReach[c] / largest;
    inverse[2 * c] = coarse;
    inverse[2 * c + 1] = -coarse;
  }
  const Fit coarse = best_fit(kernel, values, count, inverse);
  for (int c = 0; c < kLanes; ++c) inverse[c] = kFine[c] / coarse.scale;
  const Fit fine = best_fit(kernel, values, count, inverse);

  float scale = to_scale(fine.gain >= coarse.gain ? fine.scale : coarse.scale);
  if (!usable(scale)) return scale;
  ScaleSums sums;
  kernel.with_scale(values, padded, scale, 1.0f / scale, sums);
  for (int round = 0; round < 2 && sums.ll > 0; ++round) {
    const float again = to_scale(sums.lx / sums.ll);
    if (again == scale || !usable(again)) break;
    ScaleSums next;
    kernel.with_scale(values, padded, again, 1.0f / again, next);
    if (next.error >= sums.error) break;
    scale = again;
    sums = next;
  }
  return scale;
}

float largest_magnitude(const float* values, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float magnitude = std::fabs(values[i]);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

}  // namespace

bool quantize_int4_row(std::span<const float> row, int64_t group, uint8_t* codes, F16* scales,
                       const FitKernel& kernel) {
  assert(group > 0 && group <= kLargestGroup && group % kLanes == 0);
  const auto count = static_cast<int64_t>(row.size());
  bool fits = true;
  for (int64_t begin = 0; begin < count; begin += group) {
    const int64_t size = std::min(group, count - begin);
    const int64_t padded = (size + kLanes - 1) / kLanes * kLanes;
    alignas(64) float values[kLargestGroup] = {};
    std::copy_n(row.data() + begin, size, values);
    const float scale = search_scale(kernel, values, size, padded);
    fits = fits && std::isfinite(scale);
    scales[begin / group] = to_f16(scale);
    const float inverse = usable(scale) ? 1.0f / scale : 0.0f;
    // Groups are even, so a byte never holds codes of two groups; padding stays here.
    uint8_t packed[kLargestGroup / 2];
    kernel.encode(values, padded, inverse, packed);
    std::copy_n(packed, (size + 1) / 2, codes + begin / 2);
  }
  return fits;
}

bool quantize_int8_row(std::span<const float> row, int64_t group, int8_t* codes, F16* scales) {
  const auto count = static_cast<int64_t>(row.size());
  const int64_t step = group == 0 ? std::max<int64_t>(count, 1) : group;
  bool fits = true;
  for (int64_t begin = 0; begin < count; begin += step) {
    const int64_t size = std::min(step, count - begin);
    const float* values = row.data() + begin;
    const F16 half = to_f16(largest_magnitude(values, size) / 127.0f);
    const float scale = to_float(half);
    fits = fits && std::isfinite(scale);
    scales[begin / step] = half;
    const float inverse = usable(scale) ? 1.0f / scale : 0.0f;
    for (int64_t i = 0; i < size; ++i) {
      const float scaled = values[i] * inverse;
      const float low = scaled < -127.0f ? -127.0f : scaled;
      const float inside = low > 127.0f ? 127.0f : low;
      codes[begin + i] = static_cast<int8_t>(static_cast<int>((inside + kRounder) - kRounder));
    }
  }
  return fits;
}

}  // namespace visavis::load
