// Vectors of 8 floats (AVX2, FMA, F16C), for the *_simd.inl files. Included only by *_avx2.cpp: all
// names have internal linkage and nothing of std:: is used, because a weak copy of a shared inline
// function compiled here could be the one that another CPU runs.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace visavis::ops {
namespace {

using Vec = __m256;
constexpr int64_t kLanes = 8;
// Vectors that one micro-kernel keeps for its results; 16 registers.
constexpr int kTokensPerTile = 3;  // linear: 4 weight rows x 3 tokens
constexpr int kKeyVectors = 2;     // attention: 6 queries x 2 vectors of keys
constexpr int kValueVectors = 2;   // attention: 6 queries x 2 vectors of values
constexpr int kQueriesPerTile = 6;

inline Vec zeros() { return _mm256_setzero_ps(); }
inline Vec set1(float x) { return _mm256_set1_ps(x); }
inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
// The first `count` lanes, zeros behind them; count between 0 and kLanes.
inline __m256i first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}
inline Vec load_first(const float* p, int64_t count) {
  return _mm256_maskload_ps(p, first_lanes(count));
}
inline void store_first(float* p, Vec v, int64_t count) {
  _mm256_maskstore_ps(p, first_lanes(count), v);
}
// v with zeros behind its first `count` lanes.
inline Vec first_lanes_of(Vec v, int64_t count) {
  return _mm256_and_ps(v, _mm256_castsi256_ps(first_lanes(count)));
}
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec negated_fma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
inline Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline __m128 first_of(Vec v) { return _mm256_castps256_ps128(v); }
inline float sum_of(Vec v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
inline float max_of(Vec v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

inline Vec load_bf16(const uint16_t* p) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline Vec load_f16(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline void store_f16(uint16_t* p, Vec v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec load_i8(const int8_t* p) {
  const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes));
}
inline float half_to_float(uint16_t bits) { return _cvtsh_ss(bits); }

// {sum of a, of b, of c, of d}, each in the same order of additions.
inline __m128 sums_of_four(Vec a, Vec b, Vec c, Vec d) {
  const Vec quarters = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
  return _mm_add_ps(_mm256_castps256_ps128(quarters), _mm256_extractf128_ps(quarters, 1));
}

// Rounds to the nearest integer, ties to even.
inline Vec round_to_int(Vec x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// x * 2^n for integral n between -252 and 254: in two steps, because 2^n alone may be no float.
inline Vec times_power_of_two(Vec x, Vec n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const Vec first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const Vec second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return mul(mul(x, first), second);
}
// a where x < limit, else b.
inline Vec if_less(Vec x, Vec limit, Vec a, Vec b) {
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, limit, _CMP_LT_OQ));
}
// Lane numbers 0, 1, 2, ...
inline Vec lane_numbers() { return _mm256_set_ps(7, 6, 5, 4, 3, 2, 1, 0); }

// Transposes a block of kLanes x kLanes floats.
inline void transpose_block(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  Vec t[8];
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    const Vec r0 = load(from + i * from_stride);
    const Vec r1 = load(from + (i + 1) * from_stride);
    const Vec r2 = load(from + (i + 2) * from_stride);
    const Vec r3 = load(from + (i + 3) * from_stride);
    const Vec a = _mm256_unpacklo_ps(r0, r1);
    const Vec b = _mm256_unpackhi_ps(r0, r1);
    const Vec c = _mm256_unpacklo_ps(r2, r3);
    const Vec d = _mm256_unpackhi_ps(r2, r3);
    t[i] = _mm256_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm256_shuffle_ps(a, c, 0xEE);
    t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm256_shuffle_ps(b, d, 0xEE);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    store(to + j * to_stride, _mm256_permute2f128_ps(t[j], t[4 + j], 0x20));
    store(to + (4 + j) * to_stride, _mm256_permute2f128_ps(t[j], t[4 + j], 0x31));
  }
}

}  // namespace
}  // namespace visavis::ops
