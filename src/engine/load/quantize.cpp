#include "engine/load/quantize.h"

#include <algorithm>
#include <cmath>

namespace visavis::load {
namespace {

using tensor::F16;
using tensor::to_f16;
using tensor::to_float;

constexpr int kLanes = 16;  // candidates tried at once, one per vector lane
// Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer, ties to even, with
// plain vector instructions.
constexpr float kRounder = 12582912.0f;
constexpr float kLowest = -8.0f;
constexpr float kHighest = 7.0f;

// The largest magnitude is put on level -8 divided by these: below 1 it is inside the range, above
// it is clipped, which pays when the group has an outlier.
constexpr float kReach[kLanes / 2] = {0.95f, 1.0f, 1.06f, 1.13f, 1.22f, 1.34f, 1.5f, 1.75f};
// Finer factors around the best of them.
constexpr float kFine[kLanes] = {0.900f, 0.915f, 0.930f, 0.945f, 0.960f, 0.972f, 0.984f, 0.994f,
                                 1.000f, 1.006f, 1.016f, 1.028f, 1.042f, 1.056f, 1.070f, 1.085f};

float round_to_level(float scaled) {
  const float low = scaled < kLowest ? kLowest : scaled;
  const float inside = low > kHighest ? kHighest : low;
  return (inside + kRounder) - kRounder;
}

struct Fit {
  float scale = 0;  // least squares for the codes that the candidate gives
  float gain = 0;   // by how much the squared error is below that of all zeros
};

// Tries kLanes inverse scales on one group. With levels l the best scale is sum(l x) / sum(l l) and
// the squared error sum(x x) - sum(l x)^2 / sum(l l).
Fit best_fit(const float* values, int64_t count, const float* inverse) {
  alignas(64) float lx[kLanes] = {};
  alignas(64) float ll[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) {
    const float x = values[i];
    for (int c = 0; c < kLanes; ++c) {
      const float level = round_to_level(x * inverse[c]);
      lx[c] += level * x;
      ll[c] += level * level;
    }
  }
  Fit best;
  for (int c = 0; c < kLanes; ++c) {
    if (ll[c] <= 0) continue;
    const float gain = lx[c] * lx[c] / ll[c];
    if (gain > best.gain) best = {lx[c] / ll[c], gain};
  }
  return best;
}

struct Coded {
  float error = 0;  // squared, with the f16 scale
  float lx = 0;
  float ll = 0;
};

Coded try_scale(const float* values, int64_t count, float scale) {
  const float inverse = 1.0f / scale;
  // Lanes of their own keep the order of sums fixed whatever the vector width.
  alignas(64) float error[kLanes] = {};
  alignas(64) float lx[kLanes] = {};
  alignas(64) float ll[kLanes] = {};
  const auto add = [&](int64_t i, int c) {
    const float x = values[i];
    const float level = round_to_level(x * inverse);
    const float off = x - level * scale;
    error[c] += off * off;
    lx[c] += level * x;
    ll[c] += level * level;
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int c = 0; c < kLanes; ++c) add(i + c, c);
  for (int c = 0; i < count; ++i, ++c) add(i, c);
  Coded sum;
  for (int c = 0; c < kLanes; ++c) {
    sum.error += error[c];
    sum.lx += lx[c];
    sum.ll += ll[c];
  }
  return sum;
}

float to_scale(float wanted) { return to_float(to_f16(wanted)); }

// A scale must have an inverse that is a number.
bool usable(float scale) { return scale != 0 && std::isfinite(scale); }

// The f16 scale of one group; 0 if the group is all zero (or vanishes in f16).
float search_scale(const float* values, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) > std::fabs(largest)) largest = values[i];
  const float smallest_scale = 0x1.0p-24f;  // the smallest f16
  if (std::fabs(largest) < smallest_scale) return 0;

  alignas(64) float inverse[kLanes];
  for (int c = 0; c < kLanes / 2; ++c) {
    const float coarse = kLowest * kReach[c] / largest;
    inverse[2 * c] = coarse;
    inverse[2 * c + 1] = -coarse;
  }
  const Fit coarse = best_fit(values, count, inverse);
  for (int c = 0; c < kLanes; ++c) inverse[c] = kFine[c] / coarse.scale;
  const Fit fine = best_fit(values, count, inverse);

  float scale = to_scale(fine.gain >= coarse.gain ? fine.scale : coarse.scale);
  if (!usable(scale)) return scale;
  Coded coded = try_scale(values, count, scale);
  for (int round = 0; round < 2 && coded.ll > 0; ++round) {
    const float again = to_scale(coded.lx / coded.ll);
    if (again == scale || !usable(again)) break;
    const Coded next = try_scale(values, count, again);
    if (next.error >= coded.error) break;
    scale = again;
    coded = next;
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

bool quantize_int4_row(std::span<const float> row, int64_t group, uint8_t* codes, F16* scales) {
  const auto count = static_cast<int64_t>(row.size());
  bool fits = true;
  for (int64_t begin = 0; begin < count; begin += group) {
    const int64_t size = std::min(group, count - begin);
    const float* values = row.data() + begin;
    const float scale = search_scale(values, size);
    fits = fits && std::isfinite(scale);
    scales[begin / group] = to_f16(scale);
    const float inverse = usable(scale) ? 1.0f / scale : 0.0f;
    // Groups are even, so a byte never holds codes of two groups.
    uint8_t* out = codes + begin / 2;
    for (int64_t i = 0; i < size; i += 2) {
      const int low = static_cast<int>(round_to_level(values[i] * inverse)) + 8;
      const int high =
          i + 1 < size ? static_cast<int>(round_to_level(values[i + 1] * inverse)) + 8 : 0;
      out[i / 2] = static_cast<uint8_t>(low | (high << 4));
    }
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
