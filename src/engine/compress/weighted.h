// The symmetric 4-bit scale of a group whose values do not count alike: what load/quantize.h
// searches for, with the squared error of each value times a weight.
#pragma once

#include <span>

namespace visavis::compress {

/// The scale (either sign) for levels -8..7 with the smallest weighted squared error of those
/// tried: the largest value kept or clipped by twelve factors, each with its least-squares scale.
/// `stored` rounds a scale to how it will be kept. 0 for a group below the smallest f16. The values
/// must be finite, the weights positive.
float fit_symmetric(std::span<const float> values, std::span<const float> weights,
                    float (*stored)(float scale));

/// The level next to a value, -8..7; inverse = 1 / scale.
inline float level_of(float value, float inverse) {
  // Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer, ties to even.
  constexpr float kRounder = 12582912.0f;
  const float scaled = value * inverse;
  const float low = scaled < -8.0f ? -8.0f : scaled;
  const float inside = low > 7.0f ? 7.0f : low;
  return (inside + kRounder) - kRounder;
}

}  // namespace visavis::compress
