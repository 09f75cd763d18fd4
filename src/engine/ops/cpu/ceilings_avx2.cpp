// The ceilings' loops on avx2.
#include "engine/ops/cpu/ceilings.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "engine/ops/cpu/simd_avx2.h"

#include "engine/ops/cpu/ceilings_simd.inl"

namespace visavis::ops {
const CeilingLoops* ceiling_loops_avx2() { return &kCeilingLoops; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const CeilingLoops* ceiling_loops_avx2() { return nullptr; }
}  // namespace visavis::ops

#endif
