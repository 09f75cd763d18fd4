// The 8-bit dot products of AVX-512 VNNI.
#include "engine/ops/cpu/ceilings.h"

#if defined(__AVX512VNNI__)
#include <immintrin.h>

namespace visavis::ops {
namespace {

constexpr int kChains = 12;  // enough to hide the latency

float dot_bytes(int64_t rounds, float start) {
  __m512i acc[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) {
    acc[i] = _mm512_setzero_si512();
    // Equal chains, which the compiler must not make into one.
    asm volatile("" : "+v"(acc[i]));
  }
  const __m512i unsigned_bytes = _mm512_set1_epi8(static_cast<char>(start + 1));
  const __m512i signed_bytes = _mm512_set1_epi8(static_cast<char>(start + 3));
  for (int64_t k = 0; k < rounds; ++k)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i)
      acc[i] = _mm512_dpbusd_epi32(acc[i], unsigned_bytes, signed_bytes);
  __m512i total = _mm512_setzero_si512();
  for (int i = 0; i < kChains; ++i) total = _mm512_add_epi32(total, acc[i]);
  return _mm512_reduce_add_ps(_mm512_cvtepi32_ps(total));
}

constexpr RateLoop kInt8 = {
    .name = "vpdpbusd, 512 bits", .run = dot_bytes, .ops_per_round = 2 * kChains * 64};

}  // namespace

const RateLoop* int8_loop_avx512vnni() { return &kInt8; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const RateLoop* int8_loop_avx512vnni() { return nullptr; }
}  // namespace visavis::ops

#endif
