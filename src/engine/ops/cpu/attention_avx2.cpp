// Attention on AVX2 with FMA.
#include "engine/ops/cpu/attention_simd.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "engine/ops/cpu/simd_avx2.h"

#include "engine/ops/cpu/exp_simd.inl"

#include "engine/ops/cpu/attention_simd.inl"

namespace visavis::ops {
const AttentionSimd* attention_simd_avx2() { return &kAttentionSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const AttentionSimd* attention_simd_avx2() { return nullptr; }
}  // namespace visavis::ops

#endif
