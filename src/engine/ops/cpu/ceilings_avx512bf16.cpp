// The bf16 dot products of AVX512_BF16.
#include "engine/ops/cpu/ceilings.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>

namespace visavis::ops {
namespace {

constexpr int kChains = 12;  // enough to hide the latency

float dot_bf16(int64_t rounds, float start) {
  __m512 acc[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) {
    acc[i] = _mm512_setzero_ps();
    // Equal chains, which the compiler must not make into one.
    asm volatile("" : "+v"(acc[i]));
  }
  const __m512 first = _mm512_set1_ps(start + 0.5f);
  const __m512 second = _mm512_set1_ps(start + 0.25f);
  const __m512bh left = _mm512_cvtne2ps_pbh(first, first);
  const __m512bh right = _mm512_cvtne2ps_pbh(second, second);
  for (int64_t k = 0; k < rounds; ++k)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) acc[i] = _mm512_dpbf16_ps(acc[i], left, right);
  __m512 total = _mm512_setzero_ps();
  for (int i = 0; i < kChains; ++i) total = _mm512_add_ps(total, acc[i]);
  return _mm512_reduce_add_ps(total);
}

constexpr RateLoop kBf16 = {
    .name = "vdpbf16ps, 512 bits", .run = dot_bf16, .ops_per_round = 2 * kChains * 32};

}  // namespace

const RateLoop* bf16_loop_avx512bf16() { return &kBf16; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const RateLoop* bf16_loop_avx512bf16() { return nullptr; }
}  // namespace visavis::ops

#endif
