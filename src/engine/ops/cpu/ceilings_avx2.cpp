// The ceilings' loops on avx2.
#include "engine/ops/cpu/ceilings.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "engine/ops/cpu/simd_avx2.h"

#include "engine/ops/cpu/ceilings_simd.inl"

namespace visavis::ops {
namespace {

constexpr int kPairs = 8;

// Bytes multiplied and added in pairs to 16 bits, those in pairs to 32 bits.
float dot_bytes(int64_t rounds, float start) {
  __m256i acc[kPairs];
  __m256i unsigned_bytes[kPairs];
#pragma GCC unroll 8
  for (int i = 0; i < kPairs; ++i) {
    acc[i] = _mm256_setzero_si256();
    unsigned_bytes[i] = _mm256_set1_epi8(static_cast<char>(start + 1 + static_cast<float>(i)));
  }
  const __m256i signed_bytes = _mm256_set1_epi8(static_cast<char>(start + 3));
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t k = 0; k < rounds; ++k) {
#pragma GCC unroll 8
    for (int i = 0; i < kPairs; ++i) {
      // The product does not change, but the compiler must not know.
      asm volatile("" : "+x"(unsigned_bytes[i]));
      const __m256i pairs = _mm256_maddubs_epi16(unsigned_bytes[i], signed_bytes);
      acc[i] = _mm256_add_epi32(acc[i], _mm256_madd_epi16(pairs, ones));
    }
  }
  __m256i total = _mm256_setzero_si256();
  for (int i = 0; i < kPairs; ++i) total = _mm256_add_epi32(total, acc[i]);
  return sum_of(_mm256_cvtepi32_ps(total));
}

constexpr RateLoop kInt8 = {.name = "vpmaddubsw and vpmaddwd, 256 bits",
                            .run = dot_bytes,
                            .ops_per_round = 2 * kPairs * 32};

}  // namespace

const CeilingLoops* ceiling_loops_avx2() { return &kCeilingLoops; }
const RateLoop* int8_loop_avx2() { return &kInt8; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const CeilingLoops* ceiling_loops_avx2() { return nullptr; }
const RateLoop* int8_loop_avx2() { return nullptr; }
}  // namespace visavis::ops

#endif
