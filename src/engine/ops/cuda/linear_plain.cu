// The reference of linear for every layout: a warp takes one row of the weight and up to eight rows
// of x. The order of the sums depends on the columns alone, so that a row of x gives the same bits
// whatever it stands beside.
#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kTokens = 8;
constexpr int kWarps = 8;
constexpr int64_t kMostBlocksY = 65535;

__global__ void linear_kernel(LinearArgs args) {
  const WeightArgs& weight = args.weight;
  const int lane = threadIdx.x % kWarp;
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  if (row >= weight.rows) return;
  for (int64_t first = int64_t{blockIdx.y} * kTokens; first < args.n;
       first += int64_t{gridDim.y} * kTokens) {
    const int tokens = static_cast<int>(min(int64_t{kTokens}, args.n - first));
    float sum[kTokens] = {};
    for (int64_t col = lane; col < weight.cols; col += kWarp) {
      const float value = weight_value(weight, row, col);
      const float* x = args.x + first * weight.cols + input_column(weight, col);
#pragma unroll
      for (int t = 0; t < kTokens; ++t)
        if (t < tokens) sum[t] = fmaf(x[t * weight.cols], value, sum[t]);
    }
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      const float product = warp_sum(sum[t]);
      if (t >= tokens || lane != 0) continue;
      const float biased = args.bias == nullptr ? product : product + args.bias[row];
      const float result = activate(args.activation, biased);
      float* y = args.y + (first + t) * weight.rows + row;
      *y = args.accumulate ? *y + result : result;
    }
  }
}

}  // namespace

void linear_plain(const LinearArgs& args, Context& context) {
  const int64_t tiles = (args.n + kTokens - 1) / kTokens;
  const dim3 grid(static_cast<unsigned>((args.weight.rows + kWarps - 1) / kWarps),
                  static_cast<unsigned>(tiles < kMostBlocksY ? tiles : kMostBlocksY));
  linear_kernel<<<grid, kWarps * kWarp, 0, context.stream>>>(args);
  launched("linear (plain)");
}

}  // namespace visavis::ops::cuda
