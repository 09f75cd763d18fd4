// The inner loop of resizing: a weighted sum of rows of bytes. Plain and AVX2 forms give the same
// bytes. Not for use outside picture/.
#pragma once

#include <cstddef>
#include <cstdint>

namespace visavis::picture {

/// out[j] = clamp((2^(precision-1) + sum over k < taps of weights[k] * in[k * stride + j]) >>
/// precision, 0, 255) for j < count.
using WeightedRows = void (*)(const uint8_t* in, int64_t stride, const int16_t* weights,
                              int64_t taps, int precision, int64_t count, uint8_t* out);

void weighted_rows_plain(const uint8_t* in, int64_t stride, const int16_t* weights, int64_t taps,
                         int precision, int64_t count, uint8_t* out);

#if defined(__x86_64__)
/// Only on a CPU with AVX2.
void weighted_rows_avx2(const uint8_t* in, int64_t stride, const int16_t* weights, int64_t taps,
                        int precision, int64_t count, uint8_t* out);
#endif

/// The same with Pillow's weights, multiples of 2^-kFinePrecision: a filter's are at most 1 and
/// their sizes add up to less than 1.5.
inline constexpr int kFinePrecision = 22;
void weighted_rows_fine(const uint8_t* in, int64_t stride, const int32_t* weights, int64_t taps,
                        int64_t count, uint8_t* out);

/// The fastest form that this CPU runs.
WeightedRows weighted_rows();

}  // namespace visavis::picture
