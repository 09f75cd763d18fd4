// The layout of int4 and int8 codes that the CPU's dot-product kernels read: blocks of 16 rows
// whose codes lie interleaved, so that one broadcast of four activations feeds 16 rows and no sum
// runs across lanes. Padded to whole blocks of rows and whole steps of columns; padding rows have
// scale 0, padding columns code for any value (their activations are 0).
//
//   int8  [rows / 16][cols / 4][16 rows][4 columns]
//   int4  [rows / 16][cols / 8][16 rows][4 bytes]: byte i holds column i in its low and column
//         4 + i in its high nibble
//   scales f16 [rows / 16][groups][16 rows]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/tensor/weight.h"

namespace visavis::tensor {

/// Rows per block.
inline constexpr int64_t kInterleavedRows = 16;
/// Columns are padded to a multiple of this.
inline constexpr int64_t kInterleavedColumns = 8;

/// Rows and columns with their padding.
int64_t interleaved_rows(int64_t rows);
int64_t interleaved_cols(int64_t cols);
/// Bytes of the codes, and of the scales, of a [rows, cols] weight.
int64_t interleaved_code_bytes(int64_t rows, int64_t cols, int bits);
int64_t interleaved_scale_bytes(int64_t rows, int64_t groups);

/// Writes one row's codes, row-major as Int4 and Int8 hold them (ceil(cols / 2) or cols bytes),
/// to row `row` of interleaved codes.
void interleave_int4_row(std::span<const uint8_t> from, int64_t cols, int64_t row, uint8_t* codes);
void interleave_int8_row(std::span<const int8_t> from, int64_t row, int8_t* codes);
/// Writes one row's scales to row `row` of interleaved scales.
void interleave_scales(std::span<const F16> from, int64_t row, F16* scales);

/// The code 0..15 or the value -128..127 at (row, col).
int interleaved_int4(const uint8_t* codes, int64_t cols, int64_t row, int64_t col);
int interleaved_int8(const int8_t* codes, int64_t cols, int64_t row, int64_t col);
/// Where the scale of (row, group) lies.
int64_t interleaved_scale_at(int64_t row, int64_t group, int64_t groups);

/// The same weight with interleaved codes; for Int8 and Int4 without zero points, lookup and
/// permutation.
Weight interleave(const Weight& weight);

}  // namespace visavis::tensor
