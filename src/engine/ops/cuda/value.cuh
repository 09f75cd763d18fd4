// Device functions that several kernels share: single values of a weight, activations, reductions.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

constexpr int kWarp = 32;

/// The weight of column `col` of the codes (before a permutation) in row `row`.
__device__ inline float weight_value(const WeightArgs& weight, int64_t row, int64_t col) {
  const int64_t at = row * weight.cols + col;
  switch (weight.kind) {
    case WeightKind::f32:
      return static_cast<const float*>(weight.values)[at];
    case WeightKind::f16:
      return __half2float(static_cast<const __half*>(weight.values)[at]);
    case WeightKind::bf16:
      return __bfloat162float(static_cast<const __nv_bfloat16*>(weight.values)[at]);
    case WeightKind::int8:
    case WeightKind::int4:
      break;
  }
  const int64_t group = col / weight.group;
  const float scale =
      __half2float(static_cast<const __half*>(weight.scales)[row * weight.groups + group]);
  if (weight.kind == WeightKind::int8)
    return static_cast<float>(static_cast<const int8_t*>(weight.values)[at]) * scale;
  const auto nibble = [](const void* packed, int64_t row_bytes, int64_t r, int64_t i) {
    const unsigned byte = static_cast<const uint8_t*>(packed)[r * row_bytes + i / 2];
    return i % 2 == 0 ? byte & 15u : byte >> 4;
  };
  const unsigned code = nibble(weight.values, (weight.cols + 1) / 2, row, col);
  const float level = weight.has_lookup ? weight.lookup[code] : static_cast<float>(code);
  float zero = weight.has_lookup ? 0.0f : 8.0f;
  if (weight.zero == ZeroPoint::u4)
    zero = static_cast<float>(nibble(weight.zeros, (weight.groups + 1) / 2, row, group));
  if (weight.zero == ZeroPoint::f16)
    zero = __half2float(static_cast<const __half*>(weight.zeros)[row * weight.groups + group]);
  return (level - zero) * scale;
}

/// The input column that column `col` of the codes is multiplied with.
__device__ inline int64_t input_column(const WeightArgs& weight, int64_t col) {
  return weight.permutation == nullptr ? col : weight.permutation[col];
}

__device__ inline float silu(float x) { return x / (1.0f + expf(-x)); }

__device__ inline float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu_erf:
      return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case Activation::gelu_tanh:
      return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case Activation::quick_gelu:
      return x / (1.0f + expf(-1.702f * x));
    case Activation::silu:
      return silu(x);
  }
  return x;
}

/// The sum over a warp, in every lane.
template <class T>
__device__ inline T warp_sum(T value) {
  for (int step = kWarp / 2; step > 0; step /= 2)
    value += __shfl_xor_sync(0xFFFFFFFFu, value, step);
  return value;
}

__device__ inline float warp_max(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFu, value, step));
  return value;
}

/// The sum over a block of whole warps, in every thread; `room` holds a T per warp.
template <class T>
__device__ inline T block_sum(T value, T* room) {
  value = warp_sum(value);
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  __syncthreads();  // room may still be read for the sum before
  if (threadIdx.x % kWarp == 0) room[threadIdx.x / kWarp] = value;
  __syncthreads();
  T sum = room[0];
  for (int i = 1; i < warps; ++i) sum += room[i];
  return sum;
}

__device__ inline float block_max(float value, float* room) {
  value = warp_max(value);
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  __syncthreads();
  if (threadIdx.x % kWarp == 0) room[threadIdx.x / kWarp] = value;
  __syncthreads();
  float largest = room[0];
  for (int i = 1; i < warps; ++i) largest = fmaxf(largest, room[i]);
  return largest;
}

}  // namespace visavis::ops::cuda
