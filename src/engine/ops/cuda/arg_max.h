// The choice of a greedy step.
#pragma once

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

constexpr int kArgMaxRows = 64;  // at once
/// Bytes of `state`, all zero before the first call and after every call.
constexpr int64_t kArgMaxState = kArgMaxRows * 12;

/// As Ops::arg_max. With `overlap` (sm_90) it starts while the kernel before it still runs.
void arg_max_split(const float* logits, int64_t n, int64_t cols, int32_t* ids, void* state,
                   bool overlap, cudaStream_t stream);

}  // namespace visavis::ops::cuda
