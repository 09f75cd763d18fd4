// linear over interleaved weights on AVX-512 VNNI: vpdpbusd multiplies unsigned weights with signed
// activations, so weights are held above their value and start() takes that off again.
#include "engine/ops/cpu/linear_dot.h"

#if defined(__AVX512VNNI__)
#include <immintrin.h>

#include "engine/ops/cpu/unroll.h"

namespace visavis::ops {
namespace {

using Codes = __m512i;
using Values = __m512;
constexpr int kRowBlocks = 4;
constexpr int kTokens = 6;
constexpr int kFewSums = 8;

// The type that g++'s own dot product takes: sums held as __m512i are kept in memory, because every
// use is a change of type.
using Sums = int32_t __attribute__((vector_size(64)));

inline Sums start(int32_t value) { return reinterpret_cast<Sums>(_mm512_set1_epi32(value)); }
inline Sums add(Sums a, Sums b) { return a + b; }
inline Values to_float(Sums sums) { return _mm512_cvtepi32_ps(reinterpret_cast<__m512i>(sums)); }
inline Values load16(const float* from) { return _mm512_loadu_ps(from); }
inline void store16(float* to, Values values) { _mm512_storeu_ps(to, values); }
inline Values load_scales(const uint16_t* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline Values scaled(Values values, float by) { return _mm512_mul_ps(values, _mm512_set1_ps(by)); }
inline Values fma16(Values a, Values b, Values c) { return _mm512_fmadd_ps(a, b, c); }
inline void prefetch(const uint8_t* at) {
  _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0);
}
inline void prefetch_once(const uint8_t* at) {
  _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_NTA);
}
inline Codes load_codes(const uint8_t* from) { return _mm512_loadu_si512(from); }
inline void store_codes(uint8_t* to, Codes codes) { _mm512_storeu_si512(to, codes); }

inline __m512i broadcast(const int8_t* activations) {
  int32_t four;
  __builtin_memcpy(&four, activations, sizeof(four));
  return _mm512_set1_epi32(four);
}
template <class Format>
inline Sums dot(Sums sums, Codes codes, __m512i activations) {
  return reinterpret_cast<Sums>(
      _mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums), codes, activations));
}

struct Int4 {
  static constexpr int kOffset = 8;
  static constexpr int64_t kStepBytes = 64;
  static void load(const uint8_t* from, Codes& low, Codes& high) {
    const __m512i mask = _mm512_set1_epi8(15);
    const __m512i both = _mm512_loadu_si512(from);
    low = _mm512_and_si512(both, mask);
    high = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
  }
};

struct Int8 {
  static constexpr int kOffset = 128;
  static constexpr int64_t kStepBytes = 128;
  static void load(const uint8_t* from, Codes& low, Codes& high) {
    const __m512i offset = _mm512_set1_epi8(-128);
    low = _mm512_xor_si512(_mm512_loadu_si512(from), offset);
    high = _mm512_xor_si512(_mm512_loadu_si512(from + 64), offset);
  }
};

void quantize(const float* x, int64_t cols, int64_t padded, int64_t block, int8_t* codes,
              float* scales, int32_t* sums) {
  for (int64_t k = 0, g = 0; k < padded; k += block, ++g) {
    const int64_t end = k + block < padded ? k + block : padded;
    const auto lanes = [&](int64_t i) {
      const int64_t used = cols - i;
      return static_cast<__mmask16>(used >= 16 ? 0xFFFF : used <= 0 ? 0 : (1u << used) - 1);
    };
    __m512 largest = _mm512_setzero_ps();
    for (int64_t i = k; i < end; i += 16)
      largest = _mm512_max_ps(largest, _mm512_abs_ps(_mm512_maskz_loadu_ps(lanes(i), x + i)));
    const float size = _mm512_reduce_max_ps(largest);
    scales[g] = size > kTinyActivation ? size / 127.0f : 0.0f;
    const __m512 inverse = _mm512_set1_ps(size > kTinyActivation ? 127.0f / size : 0.0f);
    __m512i sum = _mm512_setzero_si512();
    for (int64_t i = k; i < end; i += 16) {
      const __m512i rounded =
          _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_loadu_ps(lanes(i), x + i), inverse));
      sum = _mm512_add_epi32(sum, rounded);
      const __mmask16 inside =
          static_cast<__mmask16>(end - i >= 16 ? 0xFFFF : (1u << (end - i)) - 1);
      _mm512_mask_cvtsepi32_storeu_epi8(codes + i, inside, rounded);
    }
    sums[g] = _mm512_reduce_add_epi32(sum);
  }
}

}  // namespace
}  // namespace visavis::ops

#include "engine/ops/cpu/linear_dot_simd.inl"

namespace visavis::ops {
const DotSimd* dot_simd_avx512vnni() { return &kDotSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const DotSimd* dot_simd_avx512vnni() { return nullptr; }
}  // namespace visavis::ops

#endif
