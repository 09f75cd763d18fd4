// What happens between the large products of a prompt or a picture: norms, roundings and
// activations that leave 16-bit values for the next product. Out is __nv_bfloat16 or __half.
#pragma once

#include "engine/ops/cuda/args.h"
#include "engine/ops/cuda/matrix_library.h"

namespace visavis::ops::cuda {

/// y[i] = x[i] rounded to bf16, or f16 with what is too large clamped.
void round_values(const float* x, int64_t count, bool bf16, void* y, cudaStream_t stream);
/// The same of rows [n, cols] that lie `stride` floats apart; cols and stride are multiples of 4.
void round_rows(const float* x, int64_t n, int64_t cols, int64_t stride, bool bf16, void* y,
                cudaStream_t stream);
/// y = norm(x) rounded, rows [n, cols]; RMS norm if bias is null, else layer norm. NormArgs::y is
/// not used. cols is a multiple of 4.
void norm_round(const NormArgs& args, bool bf16, void* y, cudaStream_t stream);
/// gate[i] = silu(gate[i]) * up[i], 16-bit values; count is a multiple of 8.
void silu_multiply_16(void* gate, const void* up, int64_t count, bool bf16, float scale,
                      cudaStream_t stream);
/// x[i] = activation(x[i]), 16-bit values; count is a multiple of 4.
void activate_16(void* x, int64_t count, Activation activation, bool bf16, cudaStream_t stream);
/// y[i] = activation(x[i]) (+ y[i] if accumulate); y may be x.
void activate_f32(const float* x, int64_t count, Activation activation, bool accumulate, float* y,
                  cudaStream_t stream);
/// Three vectors of `count` values rounded, one after the other.
void round_three(const float* a, const float* b, const float* c, int64_t count, bool bf16, void* y,
                 cudaStream_t stream);
/// Rows [begin, begin + rows) of the weight as values of the type. cols, and the group of a weight
/// that is quantised (symmetrically), are multiples of 8.
void expand_weight(const WeightArgs& weight, int64_t begin, int64_t rows, MatrixType type, void* y,
                   cudaStream_t stream);

}  // namespace visavis::ops::cuda
