// linear on AVX2 with FMA.
#include "engine/ops/cpu/linear_simd.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <math.h>

#include "engine/ops/cpu/simd_avx2.h"

#include "engine/ops/cpu/exp_simd.inl"

namespace visavis::ops {
namespace {

// The even and the odd codes of 8 bytes.
inline void split_nibbles(const uint8_t* bytes, __m256i& even, __m256i& odd) {
  const __m256i pairs =
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
  even = _mm256_and_si256(pairs, _mm256_set1_epi32(15));
  odd = _mm256_srli_epi32(pairs, 4);
}

// Codes that stand for 0..15: code * scale - zero * scale.
struct Nibbles {
  struct Group {
    Vec scale;
    Vec offset;
  };
  static Group open(const float*, float zero, float scale) {
    return {set1(scale), set1(-zero * scale)};
  }
  static void values(const uint8_t* bytes, const Group& group, Vec& a, Vec& b) {
    __m256i even;
    __m256i odd;
    split_nibbles(bytes, even, odd);
    a = fma(_mm256_cvtepi32_ps(even), group.scale, group.offset);
    b = fma(_mm256_cvtepi32_ps(odd), group.scale, group.offset);
  }
};

// Codes that stand for 16 given levels, kept in two registers of 8.
struct NibbleLevels {
  struct Group {
    Vec low;
    Vec high;
  };
  static Group open(const float* levels, float zero, float scale) {
    return {mul(sub(load(levels), set1(zero)), set1(scale)),
            mul(sub(load(levels + 8), set1(zero)), set1(scale))};
  }
  static Vec look_up(const Group& group, __m256i codes) {
    const Vec upper_half = _mm256_castsi256_ps(_mm256_slli_epi32(codes, 28));
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(group.low, codes),
                            _mm256_permutevar8x32_ps(group.high, codes), upper_half);
  }
  static void values(const uint8_t* bytes, const Group& group, Vec& a, Vec& b) {
    __m256i even;
    __m256i odd;
    split_nibbles(bytes, even, odd);
    a = look_up(group, even);
    b = look_up(group, odd);
  }
};

}  // namespace
}  // namespace visavis::ops

#include "engine/ops/cpu/linear_simd.inl"

namespace visavis::ops {
const LinearSimd* linear_simd_avx2() { return &kLinearSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const LinearSimd* linear_simd_avx2() { return nullptr; }
}  // namespace visavis::ops

#endif
