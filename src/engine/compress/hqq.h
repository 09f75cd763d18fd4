// Half-quadratic quantisation: 4-bit codes with a scale and a whole zero point per group of inputs,
// from the weights alone. value = (code - zero) * scale, codes 0..15.
//
// Errors e of a group are split off as a few large ones: min |e|_p + beta/2 |w - (q - z) s - e|^2
// with p < 1 is solved in turns for e (a shrinkage), z and s (both least squares). Several ranges
// to start from (the whole group, or with its ends clipped) end in as many results; the one with
// the smallest squared error is kept, its zero point rounded to a code.
// Source: Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models" (2023),
// where z is real and s fixed; compressed-tensors wants whole zero points.
#pragma once

#include <cstdint>
#include <span>

namespace visavis::compress {

inline constexpr int64_t kHqqLargest = 128;  // values of a group, at most
inline constexpr int64_t kHqqStep = 32;      // a group is a multiple of it

struct ZeroPointFit {
  float scale = 0;  // as `stored` gives it back; 0 for a group without a value above f16's smallest
  uint8_t zero = 8;
};

/// `stored` rounds a scale to how it will be kept. `weights`: how much each value's squared error
/// counts; empty: all alike. Deterministic on every CPU. The values must be finite.
ZeroPointFit fit_zero_point(std::span<const float> values, std::span<const float> weights,
                            float (*stored)(float scale));

/// The codes next to the values.
void encode_with_zero(std::span<const float> values, const ZeroPointFit& fit, uint8_t* codes);

}  // namespace visavis::compress
