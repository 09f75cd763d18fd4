// The loops behind fit_kernels.h, compiled once per instruction set. Everything has internal
// linkage and calls nothing of a library, so that no copy built for a newer CPU can be linked in
// elsewhere.
#pragma once

#include "engine/load/fit_kernels.h"

namespace visavis::load {
namespace {

constexpr int kWidth = kFitLanes / 2;
using Lanes [[gnu::vector_size(kWidth * sizeof(float))]] = float;
using Ints [[gnu::vector_size(kWidth * sizeof(int32_t))]] = int32_t;

// Adding and subtracting 1.5 * 2^23 rounds a small float to the nearest integer, ties to even.
constexpr float kRounder = 12582912.0f;

// Vectors go by reference: passing them by value depends on the instruction set.
inline void read_lanes(const float* values, Lanes& lanes) {
  __builtin_memcpy(&lanes, values, sizeof(lanes));
}

// The level -8..7 next to a scaled value.
inline void to_level(Lanes& scaled) {
  const Lanes lowest = Lanes{} - 8.0f;
  const Lanes highest = Lanes{} + 7.0f;
  scaled = scaled < lowest ? lowest : scaled;
  scaled = scaled > highest ? highest : scaled;
  scaled = (scaled + kRounder) - kRounder;
}

inline void candidates(const float* values, int64_t count, const float* inverse, FitSums& sums) {
  Lanes inverse0;
  Lanes inverse1;
  read_lanes(inverse, inverse0);
  read_lanes(inverse + kWidth, inverse1);
  Lanes lx0 = {};
  Lanes lx1 = {};
  Lanes ll0 = {};
  Lanes ll1 = {};
  for (int64_t i = 0; i < count; ++i) {
    const float x = values[i];
    Lanes level0 = inverse0 * x;
    Lanes level1 = inverse1 * x;
    to_level(level0);
    to_level(level1);
    lx0 += level0 * x;
    lx1 += level1 * x;
    ll0 += level0 * level0;
    ll1 += level1 * level1;
  }
  __builtin_memcpy(sums.lx, &lx0, sizeof(lx0));
  __builtin_memcpy(sums.lx + kWidth, &lx1, sizeof(lx1));
  __builtin_memcpy(sums.ll, &ll0, sizeof(ll0));
  __builtin_memcpy(sums.ll + kWidth, &ll1, sizeof(ll1));
}

inline void with_scale(const float* values, int64_t count, float scale, float inverse,
                       ScaleSums& sums) {
  Lanes error = {};
  Lanes lx = {};
  Lanes ll = {};
  for (int64_t i = 0; i < count; i += kWidth) {
    Lanes x;
    read_lanes(values + i, x);
    Lanes level = x * inverse;
    to_level(level);
    const Lanes off = x - level * scale;
    error += off * off;
    lx += level * x;
    ll += level * level;
  }
  sums = {};
  for (int c = 0; c < kWidth; ++c) {
    sums.error += error[c];
    sums.lx += lx[c];
    sums.ll += ll[c];
  }
}

inline void encode(const float* values, int64_t count, float inverse, uint8_t* codes) {
  for (int64_t i = 0; i < count; i += kWidth) {
    Lanes level;
    read_lanes(values + i, level);
    level = level * inverse;
    to_level(level);
    const Ints code = __builtin_convertvector(level, Ints) + 8;
    for (int c = 0; c < kWidth; c += 2)
      codes[(i + c) / 2] = static_cast<uint8_t>(code[c] | (code[c + 1] << 4));
  }
}

}  // namespace
}  // namespace visavis::load
