// The scale search on AVX2. (AVX-512 has nothing to add: on a Zen 4 it takes as long.)
#include "engine/load/fit_kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>

#include "engine/load/fit_search.h"

namespace visavis::load {
namespace {

struct Avx2Steps {
  static float largest(const float* values, int64_t count) {
    __m256 most = _mm256_setzero_ps();
    __m256 least = _mm256_setzero_ps();
    for (int64_t i = 0; i < count; i += 8) {
      const __m256 eight = _mm256_loadu_ps(values + i);
      most = _mm256_max_ps(most, eight);
      least = _mm256_min_ps(least, eight);
    }
    const float top = maximum(most);
    const float bottom = maximum(_mm256_sub_ps(_mm256_setzero_ps(), least));
    return top >= bottom ? top : -bottom;
  }

  static void to_fixed(const float* values, int64_t count, float factor, int16_t* fixed) {
    const __m256 factors = _mm256_set1_ps(factor);
    for (int64_t i = 0; i < count; i += 16) {
      const __m256i low = rounded(_mm256_mul_ps(_mm256_loadu_ps(values + i), factors));
      const __m256i high = rounded(_mm256_mul_ps(_mm256_loadu_ps(values + i + 8), factors));
      const __m256i packed = in_order(_mm256_packs_epi32(low, high));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(fixed + i), packed);
    }
  }

  static void candidates(const int16_t* fixed, int64_t count, const int16_t* multipliers,
                         Range range, FitSums& sums) {
    const __m256i lowest = _mm256_set1_epi16(range.lowest);
    const __m256i highest = _mm256_set1_epi16(range.highest);
    __m256i multiplier[kFour];
    __m256i ly[kFour];
    __m256i ll[kFour];
    for (int c = 0; c < kFour; ++c) {
      multiplier[c] = _mm256_set1_epi16(multipliers[c]);
      ly[c] = ll[c] = _mm256_setzero_si256();
    }
    for (int64_t i = 0; i < count; i += 16) {
      const __m256i y = _mm256_load_si256(reinterpret_cast<const __m256i*>(fixed + i));
      for (int c = 0; c < kFour; ++c) {
        const __m256i level = _mm256_max_epi16(
            _mm256_min_epi16(_mm256_mulhrs_epi16(y, multiplier[c]), highest), lowest);
        ly[c] = _mm256_add_epi32(ly[c], _mm256_madd_epi16(level, y));
        ll[c] = _mm256_add_epi32(ll[c], _mm256_madd_epi16(level, level));
      }
    }
    store_sums(ly[0], ly[1], ly[2], ly[3], sums.ly);
    store_sums(ll[0], ll[1], ll[2], ll[3], sums.ll);
  }

  static void encode(const float* values, int64_t count, float inverse, uint8_t* codes) {
    const __m256 inverses = _mm256_set1_ps(inverse);
    // Level + 8 of an even column and 16 times that of the odd one: one byte, in 16 bits.
    const __m256i weights = _mm256_set1_epi16(0x1001);
    for (int64_t i = 0; i < count; i += 32) {
      const __m256i first =
          _mm256_packs_epi32(level(values + i, inverses), level(values + i + 8, inverses));
      const __m256i second =
          _mm256_packs_epi32(level(values + i + 16, inverses), level(values + i + 24, inverses));
      const __m256i packed =
          _mm256_packs_epi16(in_order(first), in_order(second));  // 0-7 16-23 8-15 24-31
      const __m256i bytes = _mm256_add_epi8(in_order(packed), _mm256_set1_epi8(8));
      const __m256i pairs = _mm256_maddubs_epi16(bytes, weights);
      const __m256i out = in_order(_mm256_packus_epi16(pairs, pairs));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + i / 2), _mm256_castsi256_si128(out));
    }
  }

 private:
  static __m256i rounded(__m256 values) { return _mm256_cvtps_epi32(values); }

  // Undoes that packing works on the two halves of a register apart.
  static __m256i in_order(__m256i packed) { return _mm256_permute4x64_epi64(packed, 0xD8); }

  // Clipping comes first: what is out of range may be too large for an integer.
  static __m256i level(const float* values, __m256 inverses) {
    const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(values), inverses);
    return rounded(
        _mm256_min_ps(_mm256_max_ps(scaled, _mm256_set1_ps(-8.0f)), _mm256_set1_ps(7.0f)));
  }

  // The sum of each register's lanes.
  static void store_sums(__m256i a, __m256i b, __m256i c, __m256i d, int32_t* out) {
    const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    _mm_store_si128(reinterpret_cast<__m128i*>(out),
                    _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
  }

  static float maximum(__m256 eight) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
  }
};

constexpr FitLoops kLoops = {&search<Avx2Steps>, &Avx2Steps::encode};

}  // namespace

const FitLoops* fit_loops_avx2() { return &kLoops; }

}  // namespace visavis::load

#else

namespace visavis::load {
const FitLoops* fit_loops_avx2() { return nullptr; }
}  // namespace visavis::load

#endif
