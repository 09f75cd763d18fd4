// Norms, gating and rotation on AVX-512.
#include "engine/ops/cpu/rows_simd.h"

#if defined(__AVX512F__)
#include <math.h>

#include "engine/ops/cpu/simd_avx512.h"

#include "engine/ops/cpu/exp_simd.inl"

#include "engine/ops/cpu/rows_simd.inl"

namespace visavis::ops {
const RowsSimd* rows_simd_avx512() { return &kRowsSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const RowsSimd* rows_simd_avx512() { return nullptr; }
}  // namespace visavis::ops

#endif
