// The part of the vectorised norms, gating, rotation and rounding that exists once per instruction
// set (rows_simd.inl implements it). Each function works on one row; threads are in
// rows_blocked.cpp.
#pragma once

#include <cstdint>

namespace visavis::ops {

struct RowsSimd {
  /// y = x / sqrt(mean of squares + eps) * weight; y may be x.
  void (*rms_norm)(const float* x, const float* weight, int64_t cols, float eps, float* y);
  /// y = (x - mean) / sqrt(variance + eps) * weight + bias; y may be x.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int64_t cols,
                     float eps, float* y);
  /// gate = silu(gate) * up.
  void (*silu_multiply)(float* gate, const float* up, int64_t count);
  /// Rotates (first[j], second[j]) by the angle with this cosine and sine.
  void (*rotate)(const float* cosine, const float* sine, int64_t pairs, float* first,
                 float* second);
  /// to = from as f16, to the nearest; `count` is a multiple of the instructions' lanes.
  void (*to_f16)(const float* from, int64_t count, uint16_t* to);
};

/// Null where the compiler does not target the instruction set.
const RowsSimd* rows_simd_avx2();
const RowsSimd* rows_simd_avx512();

}  // namespace visavis::ops
