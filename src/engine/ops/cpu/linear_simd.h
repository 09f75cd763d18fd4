// The part of the vectorised linear kernels that exists once per instruction set, as a table of
// functions on plain pointers (linear_simd.inl implements it). Threads, scratch and blocking are in
// linear_blocked.cpp, which is compiled for any CPU.
//
// Every output is the same sum in the same order whatever the number of rows of x and of threads:
// columns in blocks of kColumnBlock; inside a block one accumulator vector per output runs over
// the columns, then its lanes are added; then the blocks are added. So a prompt in chunks, a
// decoded token and a batch agree to the bit.
#pragma once

#include <cstdint>

#include "engine/ops/ops.h"

namespace visavis::ops {

enum class Codes { f32, bf16, f16, i8, u4 };

/// A weight's memory as plain pointers.
struct WeightRows {
  Codes codes;
  const uint8_t* data;
  int64_t cols;
  int64_t row_bytes;
  int64_t group;           // columns per scale: a multiple of 32, or at least cols
  int64_t groups;          // per row
  const uint16_t* scales;  // f16 [rows, groups] of i8 and u4
  const uint8_t* zeros_u4;
  int64_t zero_row_bytes;  // of zeros_u4
  const uint16_t* zeros_f16;
  const float* levels;  // 16 values of the u4 codes, or null: they stand for 0..15
};

/// Prepared x means: rows of `cols` rounded up to 2 * lanes, zero padded; for u4 codes each run of
/// 2 * lanes columns holds the even ones first, which is how the nibbles come out.
struct LinearSimd {
  int64_t lanes;
  /// c[t * c_stride + r] = x row t times weight row (row + r), for r < rows, t < n <= kFewTokens.
  void (*few)(const WeightRows& weight, int64_t row, int64_t rows, const float* x, int64_t x_stride,
              int64_t n, float* c, int64_t c_stride);
  /// Columns [begin, end) of one row as floats in the prepared order, zero padded to 2 * lanes.
  void (*decode)(const WeightRows& weight, int64_t row, int64_t begin, int64_t end, float* out);
  /// c[t, r] (+)= x row t times w row r over `cols` prepared columns; rows is a multiple of 4.
  void (*multiply)(const float* w, int64_t w_stride, int64_t rows, const float* x, int64_t x_stride,
                   int64_t n, int64_t cols, bool accumulate, float* c, int64_t c_stride);
  /// y[i] (+)= activation(c[i] + bias[i]); bias may be null.
  void (*finish)(const float* c, const float* bias, Activation activation, bool accumulate,
                 int64_t count, float* y);
};

inline constexpr int64_t kFewTokens = 4;
inline constexpr int64_t kColumnBlock = 640;

/// Null where the compiler does not target the instruction set.
const LinearSimd* linear_simd_avx2();
const LinearSimd* linear_simd_avx512();

}  // namespace visavis::ops
