#include "engine/compress/weighted.h"

#include <cmath>
#include <cstdint>

namespace visavis::compress {
namespace {

// The largest value lies on level 8 times these: above 1 it is clipped.
constexpr float kReach[] = {0.9f,  0.95f, 1.0f, 1.05f, 1.1f, 1.17f,
                            1.25f, 1.35f, 1.5f, 1.7f,  2.0f, 2.4f};
constexpr float kSmallestScale = 0x1.0p-24f;  // the smallest f16

struct Sums {
  float lv = 0;  // levels times values
  float ll = 0;
  float error = 0;
};

// In eight lanes, whose order no compiler may change.
Sums sums_of(std::span<const float> values, std::span<const float> weights, float scale) {
  constexpr size_t kLanes = 8;
  const float inverse = 1.0f / scale;
  float lv[kLanes] = {};
  float ll[kLanes] = {};
  float error[kLanes] = {};
  for (size_t i = 0; i < values.size(); i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      const float weight = weights[i + lane];
      const float level = level_of(value, inverse);
      const float off = level * scale - value;
      lv[lane] += weight * level * value;
      ll[lane] += weight * level * level;
      error[lane] += weight * off * off;
    }
  Sums sums;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    sums.lv += lv[lane];
    sums.ll += ll[lane];
    sums.error += error[lane];
  }
  return sums;
}

}  // namespace

float fit_symmetric(std::span<const float> values, std::span<const float> weights,
                    float (*stored)(float scale)) {
  float largest = 0;
  for (const float value : values)
    if (std::fabs(value) > largest) largest = std::fabs(value);
  if (largest < kSmallestScale) return 0;
  float best = HUGE_VALF;
  float least = HUGE_VALF;
  for (const float sign : {1.0f, -1.0f})
    for (const float reach : kReach) {
      const Sums first = sums_of(values, weights, sign * largest / (8 * reach));
      const float scale = stored(first.lv / first.ll);
      if (!std::isfinite(scale) || !(std::fabs(scale) > 0)) continue;
      const float error = sums_of(values, weights, scale).error;
      if (!(error < least)) continue;
      least = error;
      best = scale;
    }
  return best;
}

}  // namespace visavis::compress
