// Norms, gating and rotation on AVX2 with FMA.
#include "engine/ops/cpu/rows_simd.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <math.h>

#include "engine/ops/cpu/simd_avx2.h"

#include "engine/ops/cpu/exp_simd.inl"

#include "engine/ops/cpu/rows_simd.inl"

namespace visavis::ops {
const RowsSimd* rows_simd_avx2() { return &kRowsSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const RowsSimd* rows_simd_avx2() { return nullptr; }
}  // namespace visavis::ops

#endif
