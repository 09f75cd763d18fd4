// linear over dense bf16 weights with bf16 dot products: x is rounded to bf16, pairs of columns are
// multiplied and added in f32. What exists once per instruction set is in this table; threads,
// scratch and blocking are in linear_bf16.cpp.
//
// Every output is one chain of additions over the pairs of columns in order, so that it has the
// same bits whatever the batch and the threads.
#pragma once

#include <cstdint>

namespace visavis::ops {

/// Rows of a task: their unpacked block of columns (16 KB) stays in the first-level cache.
inline constexpr int64_t kBf16Rows = 64;
inline constexpr int64_t kBf16Columns = 128;

struct Bf16Simd {
  /// A row of x as bf16 (to nearest, ties to even), zero padded to `padded` values, a multiple of
  /// 32.
  void (*round)(const float* x, int64_t cols, int64_t padded, uint16_t* out);
  /// c[t * kBf16Rows + r] = x row t times weight row r, for r < rows <= kBf16Rows, t < n; rows of w
  /// are `cols` values apart, rows of x `x_stride`. `tile` is room for kBf16Rows * kBf16Columns
  /// values. Entries of c beyond `rows`, up to a multiple of 16, are overwritten.
  void (*multiply)(const uint16_t* w, int64_t rows, int64_t cols, const uint16_t* x,
                   int64_t x_stride, int64_t n, uint16_t* tile, float* c);
};

/// Null where the compiler does not target the instructions.
const Bf16Simd* bf16_simd_avx512bf16();

}  // namespace visavis::ops
