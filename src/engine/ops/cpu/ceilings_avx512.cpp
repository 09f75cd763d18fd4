// The ceilings' loops on avx512.
#include "engine/ops/cpu/ceilings.h"

#if defined(__AVX512F__)
#include "engine/ops/cpu/simd_avx512.h"

#include "engine/ops/cpu/ceilings_simd.inl"

namespace visavis::ops {
const CeilingLoops* ceiling_loops_avx512() { return &kCeilingLoops; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const CeilingLoops* ceiling_loops_avx512() { return nullptr; }
}  // namespace visavis::ops

#endif
