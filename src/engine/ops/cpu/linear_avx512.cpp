// linear on AVX-512.
#include "engine/ops/cpu/linear_simd.h"

#if defined(__AVX512F__)
#include <math.h>

#include "engine/ops/cpu/simd_avx512.h"

#include "engine/ops/cpu/exp_simd.inl"

namespace visavis::ops {
namespace {

// A permutation of 16 floats turns 16 codes into their scaled values at once.
struct NibbleLevels {
  struct Group {
    Vec table;  // (level - zero) * scale of each code
  };
  static Group open(const float* levels, float zero, float scale) {
    return {mul(sub(load(levels), set1(zero)), set1(scale))};
  }
  // The kLanes even and the kLanes odd codes of kLanes bytes.
  static void values(const uint8_t* bytes, const Group& group, Vec& even, Vec& odd) {
    const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    const __m512i codes = _mm512_cvtepu8_epi32(pairs);  // the permutation reads 4 bits of each
    even = _mm512_permutexvar_ps(codes, group.table);
    odd = _mm512_permutexvar_ps(_mm512_srli_epi32(codes, 4), group.table);
  }
};

// Codes that stand for 0..15.
struct Nibbles : NibbleLevels {
  static Group open(const float*, float zero, float scale) {
    return {mul(sub(lane_numbers(), set1(zero)), set1(scale))};
  }
};

}  // namespace
}  // namespace visavis::ops

#include "engine/ops/cpu/linear_simd.inl"

namespace visavis::ops {
const LinearSimd* linear_simd_avx512() { return &kLinearSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const LinearSimd* linear_simd_avx512() { return nullptr; }
}  // namespace visavis::ops

#endif
