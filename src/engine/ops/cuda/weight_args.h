// The engine's weights, activations and rotary tables as the kernels take them.
#pragma once

#include "engine/ops/cuda/args.h"
#include "engine/ops/ops.h"

namespace visavis::ops::cuda {

/// Throws Error for layouts that CUDA has no kernel for: interleaved codes, GGUF's blocks.
/// Throws Error unless it is f32, f16 or bf16.
WeightKind weight_kind(DType dtype);

WeightArgs weight_args(const Weight& weight);

Activation activation_of(ops::Activation activation);

/// Throws Error for a table that is too long or whose axes do not fit.
RopeFrequencies rope_frequencies(const RopeTable& table);

}  // namespace visavis::ops::cuda
