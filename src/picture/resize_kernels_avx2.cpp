#include "picture/resize_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace visavis::picture {
namespace {

__m128i load(const uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

/// Two neighbouring weights in every 32-bit lane.
__m256i weight_pair(int16_t first, int16_t second) {
  const uint32_t pair =
      static_cast<uint16_t>(first) | (static_cast<uint32_t>(static_cast<uint16_t>(second)) << 16);
  return _mm256_set1_epi32(static_cast<int32_t>(pair));
}

}  // namespace

void weighted_rows_avx2(const uint8_t* in, int64_t stride, const int16_t* weights, int64_t taps,
                        int precision, int64_t count, uint8_t* out) {
  constexpr int64_t kBlock = 16;
  const __m256i half = _mm256_set1_epi32(int32_t{1} << (precision - 1));
  const __m128i shift = _mm_cvtsi32_si128(precision);
  const __m128i zero = _mm_setzero_si128();
  int64_t j = 0;
  for (; j + kBlock <= count; j += kBlock) {
    // Bytes 0..7 and 8..15; each 32-bit lane holds the sum of one byte's products.
    __m256i low = half;
    __m256i high = half;
    for (int64_t k = 0; k < taps; k += 2) {
      const bool paired = k + 1 < taps;
      const __m128i first = load(in + k * stride + j);
      const __m128i second = paired ? load(in + (k + 1) * stride + j) : zero;
      const __m256i pair = weight_pair(weights[k], paired ? weights[k + 1] : int16_t{0});
      const __m256i bytes_low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(first, second));
      const __m256i bytes_high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(first, second));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(bytes_low, pair));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(bytes_high, pair));
    }
    low = _mm256_sra_epi32(low, shift);
    high = _mm256_sra_epi32(high, shift);
    // Packing works on 128-bit halves: [l0 h0 | l1 h1] must become [l0 l1 h0 h1].
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + j), bytes);
  }
  if (j < count) weighted_rows_plain(in + j, stride, weights, taps, precision, count - j, out + j);
}

}  // namespace visavis::picture
#endif
