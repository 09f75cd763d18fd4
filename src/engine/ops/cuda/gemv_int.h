// Few rows times integer weights: what generation does. One launch serves up to three matrices that
// read the same rows (q, k and v), or a gate and its twin with SiLU between.
#pragma once

#include <cuda_fp16.h>

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// Codes as tensor/weight.h says: groups of 128, no zero points, no lookup; 16 rows or more.
struct GemvMatrix {
  const uint8_t* codes = nullptr;  // [rows, cols * bits / 8], aligned to 16
  const __half* scales = nullptr;  // [rows, groups], aligned to 4
  const float* bias = nullptr;     // [rows] or null
  float* y = nullptr;              // [n, rows]
  int rows = 0;
};

struct GemvArgs {
  static constexpr int kMaxRows = 8;
  static constexpr int kMaxMatrices = 3;

  const float* x = nullptr;            // [n, cols]
  const float* norm_weight = nullptr;  // [cols]: RMS norm of x first; null: none
  float eps = 0;
  int n = 0;     // 1 .. gemv_int_rows(...)
  int cols = 0;  // a multiple of 32; the number of groups is even
  int bits = 4;  // 4 or 8
  GemvMatrix matrices[kMaxMatrices];
  int count = 0;
  /// matrices[0].y = silu(matrices[0] x) * (matrices[1] x); both have the same number of rows.
  bool gated = false;
  bool accumulate = false;  // adds to what y holds
};

/// Whether there is a kernel for this weight.
bool gemv_int_takes(const WeightArgs& weight, const Device& device);
/// Most rows of x in one launch: what fits into a block's shared memory beside the weights.
int gemv_int_rows(int64_t cols, const Device& device);
/// With `overlap` (sm_90) it starts while the kernel before it still runs.
void gemv_int(const GemvArgs& args, const Device& device, bool overlap, cudaStream_t stream);

}  // namespace visavis::ops::cuda
