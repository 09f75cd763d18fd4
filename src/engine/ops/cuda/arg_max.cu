// The largest of each row of logits, by many blocks: each turns its values into integers that sort
// as (value, lowest index first) and the rows' maxima are joined by atomics, exact in any order.
#include "engine/ops/cuda/arg_max.h"

#include <algorithm>

#include "engine/ops/cuda/launch.cuh"
#include "engine/ops/cuda/ptx.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 64;  // of a row

using Key = unsigned long long;

// NaN sorts above everything.
__device__ inline Key key_of(float value, int64_t index) {
  const uint32_t bits = __float_as_uint(value);
  uint32_t order = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if (isnan(value)) order = 0xffffffffu;
  return static_cast<Key>(order) << 32 | (0xffffffffu - static_cast<uint32_t>(index));
}

__global__ void __launch_bounds__(kThreads)
    arg_max_kernel(const float* logits, int64_t cols, int32_t* ids, Key* best, int32_t* arrived) {
  let_next_start();
  wait_for_previous();
  const int row = blockIdx.y;
  const float* from = logits + row * cols;
  Key most = 0;
  for (int64_t i = blockIdx.x * kThreads + threadIdx.x; i < cols; i += kBlocks * kThreads)
    most = max(most, key_of(__ldcg(from + i), i));
#pragma unroll
  for (int far = 16; far > 0; far /= 2) most = max(most, __shfl_xor_sync(~0u, most, far));
  __shared__ Key of_warp[kThreads / 32];
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = most;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (const Key& other : of_warp) most = max(most, other);
  atomicMax(best + row, most);
  __threadfence();
  if (atomicAdd(arrived + row, 1) != kBlocks - 1) return;
  __threadfence();
  most = atomicExch(best + row, 0ull);
  arrived[row] = 0;
  // Above all finite numbers lie infinity and NaN, below them minus infinity.
  const auto order = static_cast<uint32_t>(most >> 32);
  const bool finite = order > 0x007fffffu && order < 0xff800000u;
  ids[row] = finite ? static_cast<int32_t>(0xffffffffu - static_cast<uint32_t>(most)) : -1;
}

}  // namespace

void arg_max_split(const float* logits, int64_t n, int64_t cols, int32_t* ids, void* state,
                   bool overlap, cudaStream_t stream) {
  auto* best = static_cast<Key*>(state);
  for (int64_t row = 0; row < n; row += kArgMaxRows) {
    Launch launch(stream, overlap);
    launch.config.gridDim =
        dim3(kBlocks, static_cast<unsigned>(std::min<int64_t>(kArgMaxRows, n - row)));
    launch.config.blockDim = dim3(kThreads);
    check(cudaLaunchKernelEx(&launch.config, arg_max_kernel, logits + row * cols, cols, ids + row,
                             best, reinterpret_cast<int32_t*>(best + kArgMaxRows)),
          "arg_max");
  }
}

}  // namespace visavis::ops::cuda
