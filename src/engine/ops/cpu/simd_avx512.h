// Vectors of 16 floats (AVX-512), for the *_simd.inl files. Included only by *_avx512.cpp: all
// names have internal linkage and nothing of std:: is used, because a weak copy of a shared inline
// function compiled here could be the one that another CPU runs.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace visavis::ops {
namespace {

using Vec = __m512;
constexpr int64_t kLanes = 16;
// Vectors that one micro-kernel keeps for its results; 32 registers.
constexpr int kTokensPerTile = 6;  // linear: 4 weight rows x 6 tokens
constexpr int kKeyVectors = 4;     // attention: 6 queries x 4 vectors of keys
constexpr int kValueVectors = 4;   // attention: 6 queries x 4 vectors of values
constexpr int kQueriesPerTile = 6;

inline Vec zeros() { return _mm512_setzero_ps(); }
inline Vec set1(float x) { return _mm512_set1_ps(x); }
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
// The first `count` lanes, zeros behind them; count between 0 and kLanes.
inline Vec load_first(const float* p, int64_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
}
inline void store_first(float* p, Vec v, int64_t count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
}
// v with zeros behind its first `count` lanes.
inline Vec first_lanes_of(Vec v, int64_t count) {
  return _mm512_maskz_mov_ps(static_cast<__mmask16>((1u << count) - 1), v);
}
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec negated_fma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
inline Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline __m128 first_of(Vec v) { return _mm512_castps512_ps128(v); }
inline float sum_of(Vec v) { return _mm512_reduce_add_ps(v); }
inline float max_of(Vec v) { return _mm512_reduce_max_ps(v); }

inline Vec load_bf16(const uint16_t* p) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
inline Vec load_f16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void store_f16(uint16_t* p, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec load_i8(const int8_t* p) {
  const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes));
}
inline float half_to_float(uint16_t bits) { return _cvtsh_ss(bits); }

// {sum of a, of b, of c, of d}, each in the same order of additions.
inline __m128 sums_of_four(Vec a, Vec b, Vec c, Vec d) {
  const Vec ac = add(_mm512_shuffle_f32x4(a, c, 0x44), _mm512_shuffle_f32x4(a, c, 0xEE));
  const Vec bd = add(_mm512_shuffle_f32x4(b, d, 0x44), _mm512_shuffle_f32x4(b, d, 0xEE));
  const Vec all = add(_mm512_unpacklo_ps(ac, bd), _mm512_unpackhi_ps(ac, bd));
  const __m256 ab = _mm512_castps512_ps256(all);     // a b a b, twice
  const __m256 cd = _mm512_extractf32x8_ps(all, 1);  // c d c d, twice
  const __m256 halves =
      _mm256_add_ps(_mm256_permute2f128_ps(ab, cd, 0x20), _mm256_permute2f128_ps(ab, cd, 0x31));
  const __m128 low = _mm256_castps256_ps128(halves);
  const __m128 high = _mm256_extractf128_ps(halves, 1);
  return _mm_add_ps(_mm_movelh_ps(low, high), _mm_movehl_ps(high, low));
}

// Rounds to the nearest integer, ties to even.
inline Vec round_to_int(Vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// x * 2^n for integral n between -150 and 128.
inline Vec times_power_of_two(Vec x, Vec n) { return _mm512_scalef_ps(x, n); }
// a where x < limit, else b.
inline Vec if_less(Vec x, Vec limit, Vec a, Vec b) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, limit, _CMP_LT_OQ), b, a);
}
// Lane numbers 0, 1, 2, ...
inline Vec lane_numbers() {
  return _mm512_set_ps(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

// Writes kLanes vectors of kLanes floats transposed.
inline void transpose(const Vec (&r)[16], float* to, int64_t to_stride) {
  Vec t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
    const Vec a = _mm512_unpacklo_ps(r[i], r[i + 1]);
    const Vec b = _mm512_unpackhi_ps(r[i], r[i + 1]);
    const Vec c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]);
    const Vec d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
    t[i] = _mm512_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm512_shuffle_ps(a, c, 0xEE);
    t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm512_shuffle_ps(b, d, 0xEE);
  }
  // t[4 * i + j] holds columns j, 4 + j, 8 + j, 12 + j of rows 4 * i .. 4 * i + 3.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const Vec a = _mm512_shuffle_f32x4(t[j], t[4 + j], 0x44);
    const Vec b = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0x44);
    const Vec c = _mm512_shuffle_f32x4(t[j], t[4 + j], 0xEE);
    const Vec d = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0xEE);
    store(to + j * to_stride, _mm512_shuffle_f32x4(a, b, 0x88));
    store(to + (4 + j) * to_stride, _mm512_shuffle_f32x4(a, b, 0xDD));
    store(to + (8 + j) * to_stride, _mm512_shuffle_f32x4(c, d, 0x88));
    store(to + (12 + j) * to_stride, _mm512_shuffle_f32x4(c, d, 0xDD));
  }
}

// Transposes a block of kLanes x kLanes floats.
inline void transpose_block(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  Vec r[16];
  for (int i = 0; i < 16; ++i) r[i] = load(from + i * from_stride);
  transpose(r, to, to_stride);
}

}  // namespace
}  // namespace visavis::ops
