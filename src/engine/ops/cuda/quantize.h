// Stored rows to codes and scales on the device, the same bits as engine/load/quantize.h's.
#pragma once

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

struct QuantizeArgs {
  const void* stored = nullptr;        // [rows, cols] of f32, f16 or bf16
  WeightKind kind = WeightKind::bf16;  // of what is stored
  int64_t rows = 0;
  int64_t cols = 0;
  int bits = 4;
  int64_t group = 0;
  void* codes = nullptr;       // [rows, cols * bits / 8]
  void* scales = nullptr;      // f16 [rows, cols / group]
  uint32_t* faults = nullptr;  // |= QuantizeFault
};

enum QuantizeFault : uint32_t { kNotFinite = 1, kScaleTooLarge = 2 };

/// Groups of 32, 64 or 128 columns without a rest.
bool quantize_supports(int bits, int64_t group, int64_t cols);
void quantize(const QuantizeArgs& args, cudaStream_t stream);

}  // namespace visavis::ops::cuda
