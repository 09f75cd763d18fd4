// The 8-bit dot products of AVX-VNNI.
#include "engine/ops/cpu/ceilings.h"

#if defined(__AVXVNNI__)
#include <immintrin.h>

namespace visavis::ops {
namespace {

constexpr int kChains = 12;  // enough to hide the latency

float dot_bytes(int64_t rounds, float start) {
  __m256i acc[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) {
    acc[i] = _mm256_setzero_si256();
    // Equal chains, which the compiler must not make into one.
    asm volatile("" : "+x"(acc[i]));
  }
  const __m256i unsigned_bytes = _mm256_set1_epi8(static_cast<char>(start + 1));
  const __m256i signed_bytes = _mm256_set1_epi8(static_cast<char>(start + 3));
  for (int64_t k = 0; k < rounds; ++k)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i)
      acc[i] = _mm256_dpbusd_avx_epi32(acc[i], unsigned_bytes, signed_bytes);
  __m256i total = _mm256_setzero_si256();
  for (int i = 0; i < kChains; ++i) total = _mm256_add_epi32(total, acc[i]);
  return static_cast<float>(_mm256_extract_epi32(total, 0));
}

constexpr RateLoop kInt8 = {
    .name = "vpdpbusd, 256 bits", .run = dot_bytes, .ops_per_round = 2 * kChains * 32};

}  // namespace

const RateLoop* int8_loop_avxvnni() { return &kInt8; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const RateLoop* int8_loop_avxvnni() { return nullptr; }
}  // namespace visavis::ops

#endif
