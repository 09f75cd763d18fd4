// Attention on AVX-512.
#include "engine/ops/cpu/attention_simd.h"

#if defined(__AVX512F__)
#include "engine/ops/cpu/simd_avx512.h"

#include "engine/ops/cpu/exp_simd.inl"

#include "engine/ops/cpu/attention_simd.inl"

namespace visavis::ops {
const AttentionSimd* attention_simd_avx512() { return &kAttentionSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const AttentionSimd* attention_simd_avx512() { return nullptr; }
}  // namespace visavis::ops

#endif
