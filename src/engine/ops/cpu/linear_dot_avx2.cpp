// linear over interleaved weights on AVX2: maddubs multiplies unsigned with signed bytes and adds
// pairs as saturating int16, which 15 * 127 * 2 and 128 * 127 * 2 never reach.
#include "engine/ops/cpu/linear_dot.h"

#if defined(__AVX2__)
#include <immintrin.h>

#include "engine/ops/cpu/unroll.h"

namespace visavis::ops {
namespace {

struct Sums {
  __m256i a, b;
};
using Codes = Sums;
struct Values {
  __m256 a, b;
};
constexpr int kRowBlocks = 1;
constexpr int kTokens = 4;
constexpr int kFewSums = 2;

inline Sums start(int32_t value) {
  const __m256i all = _mm256_set1_epi32(value);
  return {all, all};
}
inline Sums add(const Sums& x, const Sums& y) {
  return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
}
inline Values to_float(const Sums& sums) {
  return {_mm256_cvtepi32_ps(sums.a), _mm256_cvtepi32_ps(sums.b)};
}
inline Values load16(const float* from) {
  return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
}
inline void store16(float* to, const Values& values) {
  _mm256_storeu_ps(to, values.a);
  _mm256_storeu_ps(to + 8, values.b);
}
inline __m256 halves(const uint16_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
inline Values load_scales(const uint16_t* from) { return {halves(from), halves(from + 8)}; }
inline Values scaled(const Values& values, float by) {
  const __m256 all = _mm256_set1_ps(by);
  return {_mm256_mul_ps(values.a, all), _mm256_mul_ps(values.b, all)};
}
inline Values fma16(const Values& x, const Values& y, const Values& z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
inline void prefetch(const uint8_t* at) {
  _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0);
}
inline void prefetch_once(const uint8_t* at) {
  _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_NTA);
}
inline __m256i load32(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
inline Codes load_codes(const uint8_t* from) { return {load32(from), load32(from + 32)}; }
inline void store_codes(uint8_t* to, const Codes& codes) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), codes.a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), codes.b);
}

struct Int4 {
  static constexpr int kOffset = 8;
  static constexpr int64_t kStepBytes = 64;
  static void load(const uint8_t* from, Codes& low, Codes& high) {
    const __m256i mask = _mm256_set1_epi8(15);
    const Codes both = load_codes(from);
    low = {_mm256_and_si256(both.a, mask), _mm256_and_si256(both.b, mask)};
    high = {_mm256_and_si256(_mm256_srli_epi16(both.a, 4), mask),
            _mm256_and_si256(_mm256_srli_epi16(both.b, 4), mask)};
  }
  static __m256i pairs(__m256i codes, __m256i activations) {
    return _mm256_maddubs_epi16(codes, activations);
  }
};

// Signed codes: the unsigned operand is their size, their sign moves to the activations.
struct Int8 {
  static constexpr int kOffset = 0;
  static constexpr int64_t kStepBytes = 128;
  static void load(const uint8_t* from, Codes& low, Codes& high) {
    low = load_codes(from);
    high = load_codes(from + 64);
  }
  static __m256i pairs(__m256i codes, __m256i activations) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(activations, codes));
  }
};

inline __m256i broadcast(const int8_t* activations) {
  int32_t four;
  __builtin_memcpy(&four, activations, sizeof(four));
  return _mm256_set1_epi32(four);
}
template <class Format>
inline Sums dot(const Sums& sums, const Codes& codes, __m256i activations) {
  const __m256i ones = _mm256_set1_epi16(1);
  return {_mm256_add_epi32(sums.a, _mm256_madd_epi16(Format::pairs(codes.a, activations), ones)),
          _mm256_add_epi32(sums.b, _mm256_madd_epi16(Format::pairs(codes.b, activations), ones))};
}

inline __m256 first8(const float* x, int64_t used) {
  if (used >= 8) return _mm256_loadu_ps(x);
  float values[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int64_t i = 0; i < used; ++i) values[i] = x[i];
  return _mm256_loadu_ps(values);
}

inline float largest_of(__m256 v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

void quantize(const float* x, int64_t cols, int64_t padded, int64_t block, int8_t* codes,
              float* scales, int32_t* sums) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  for (int64_t k = 0, g = 0; k < padded; k += block, ++g) {
    const int64_t end = k + block < padded ? k + block : padded;
    __m256 largest = _mm256_setzero_ps();
    for (int64_t i = k; i < end; i += 8)
      largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, first8(x + i, cols - i)));
    const float size = largest_of(largest);
    scales[g] = size > kTinyActivation ? size / 127.0f : 0.0f;
    const __m256 inverse = _mm256_set1_ps(size > kTinyActivation ? 127.0f / size : 0.0f);
    int32_t sum = 0;
    for (int64_t i = k; i < end; i += 8) {
      const __m256i rounded = _mm256_cvtps_epi32(_mm256_mul_ps(first8(x + i, cols - i), inverse));
      const __m128i words =
          _mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(codes + i), _mm_packs_epi16(words, words));
      for (int64_t j = i; j < i + 8; ++j) sum += codes[j];
    }
    sums[g] = sum;
  }
}

}  // namespace
}  // namespace visavis::ops

#include "engine/ops/cpu/linear_dot_simd.inl"

namespace visavis::ops {
const DotSimd* dot_simd_avx2() { return &kDotSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const DotSimd* dot_simd_avx2() { return nullptr; }
}  // namespace visavis::ops

#endif
