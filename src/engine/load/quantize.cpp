#include "engine/load/quantize.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace visavis::load {
namespace {

using tensor::F16;
using tensor::to_f16;
using tensor::to_float;

// Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer, ties to even.
constexpr float kRounder = 12582912.0f;

// A scale must have an inverse that is a number.
bool usable(float scale) { return scale != 0 && std::isfinite(scale); }

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
  assert(group > 0 && group <= kFitLargest && group % kFitStep == 0);
  const FitLoops& loops = *kernel.loops();
  const auto count = static_cast<int64_t>(row.size());
  const int64_t whole = count / group * group;
  bool fits = true;
  const auto fit = [&](const float* values, int64_t size, int64_t at, uint8_t* out) {
    const F16 half = to_f16(loops.search(values, size));
    const float scale = to_float(half);
    fits = fits && std::isfinite(scale);
    scales[at / group] = half;
    loops.encode(values, size, usable(scale) ? 1.0f / scale : 0.0f, out);
  };
  for (int64_t at = 0; at < whole; at += group) fit(row.data() + at, group, at, codes + at / 2);
  if (whole < count) {
    const int64_t size = count - whole;
    alignas(64) float values[kFitLargest] = {};
    std::copy_n(row.data() + whole, size, values);
    uint8_t packed[kFitLargest / 2];
    fit(values, (size + kFitStep - 1) / kFitStep * kFitStep, whole, packed);
    std::copy_n(packed, (size + 1) / 2, codes + whole / 2);
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
