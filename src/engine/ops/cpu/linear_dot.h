// linear over interleaved int4 and int8 weights (engine/tensor/interleave.h): x is rounded to int8
// per block of columns and multiplied with integer dot products. This table holds what exists once
// per instruction set (linear_dot_simd.inl implements it); threads, scratch and blocking are in
// linear_dot.cpp.
//
// Every kernel, the plain one included, gives the same bits whatever the batch, the threads and the
// instructions: the sums inside a block are integers, and the blocks are added in ascending order
// as acc = fma(float(sum), weight scale * x scale, acc).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/ops/ops.h"

namespace visavis::ops {

/// An interleaved weight's memory as plain pointers.
struct DotRows {
  int bits;                // 4 or 8
  const uint8_t* codes;    // block of 16 rows after block
  const uint16_t* scales;  // f16 [row blocks][groups][16]
  int64_t cols;            // padded to a multiple of 8
  int64_t block_bytes;     // of one row block's codes
  int64_t groups;          // scales of one row
  int64_t block;  // columns that share a scale of x: the group, 128 where a row has one scale
  bool passes;    // too large to stay in a cache until it is read again
};

/// Rows of x rounded to int8: x = codes * scales[column / block].
struct DotInput {
  int8_t* codes;  // [n, cols]
  float* scales;  // [n, blocks]
  int32_t* sums;  // [n, blocks]: of the codes, for weights that are held with an offset
  int64_t cols;   // padded
  int64_t blocks;
};

struct DotSimd {
  /// One row of `cols` values, zero padded to `padded`: codes, scales and sums of its blocks.
  void (*quantize)(const float* x, int64_t cols, int64_t padded, int64_t block, int8_t* codes,
                   float* scales, int32_t* sums);
  /// c[t * c_stride + 16 * b + r] = x row t times row r of block (first + b), for b < count,
  /// t < n <= kFewDotTokens. Weights are read once and multiplied as they are unpacked.
  void (*few)(const DotRows& weight, int64_t first, int64_t count, const DotInput& x, int64_t n,
              float* c, int64_t c_stride);
  /// The same for any n: weights are unpacked once per block of columns into `tile` (room for
  /// count * 16 * (block + 4) bytes, aligned to 64).
  void (*many)(const DotRows& weight, int64_t first, int64_t count, const DotInput& x, int64_t n,
               uint8_t* tile, float* c, int64_t c_stride);
};

inline constexpr int64_t kFewDotTokens = 4;
/// Blocks of x whose largest value is not above this count as zero: 127 / size stays finite.
inline constexpr float kTinyActivation = 1e-35f;
inline constexpr int64_t kDotBlock = 128;  // of x, where a whole row of weights has one scale

/// Null where the compiler does not target the instruction set.
const DotSimd* dot_simd_avx2();
const DotSimd* dot_simd_avx512vnni();
const DotSimd* dot_simd_neon();

/// What the kernels can read, or nothing if the weight's rows are not interleaved.
std::optional<DotRows> dot_rows(const Weight& weight);

}  // namespace visavis::ops
