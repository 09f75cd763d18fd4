// References of the operations that work on rows one by one: norms, gating, rotation.
#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void rms_norm_kernel(NormArgs args) {
  __shared__ double room[kThreads / kWarp];
  const float* x = args.x + int64_t{blockIdx.x} * args.cols;
  float* y = args.y + int64_t{blockIdx.x} * args.cols;
  double squares = 0;
  for (int64_t c = threadIdx.x; c < args.cols; c += kThreads)
    squares += static_cast<double>(x[c]) * static_cast<double>(x[c]);
  const double mean = block_sum(squares, room) / static_cast<double>(args.cols);
  const auto scale = static_cast<float>(1.0 / sqrt(mean + static_cast<double>(args.eps)));
  for (int64_t c = threadIdx.x; c < args.cols; c += kThreads) y[c] = x[c] * scale * args.weight[c];
}

__global__ void layer_norm_kernel(NormArgs args) {
  __shared__ double room[kThreads / kWarp];
  const float* x = args.x + int64_t{blockIdx.x} * args.cols;
  float* y = args.y + int64_t{blockIdx.x} * args.cols;
  const auto cols = static_cast<double>(args.cols);
  double sum = 0;
  for (int64_t c = threadIdx.x; c < args.cols; c += kThreads) sum += static_cast<double>(x[c]);
  const double mean = block_sum(sum, room) / cols;
  double squares = 0;
  for (int64_t c = threadIdx.x; c < args.cols; c += kThreads) {
    const double off = static_cast<double>(x[c]) - mean;
    squares += off * off;
  }
  const double variance = block_sum(squares, room) / cols;
  const double scale = 1.0 / sqrt(variance + static_cast<double>(args.eps));
  for (int64_t c = threadIdx.x; c < args.cols; c += kThreads) {
    const auto normal = static_cast<float>((static_cast<double>(x[c]) - mean) * scale);
    y[c] = normal * args.weight[c] + args.bias[c];
  }
}

__global__ void silu_multiply_kernel(SiluArgs args) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < args.count) args.gate[i] = silu(args.gate[i]) * args.up[i];
}

// A block rotates one token: the angles once for all heads. The angle is rounded to f32 before its
// cosine and sine, as in the oracle.
__global__ void rope_kernel(RopeArgs args) {
  __shared__ float cosine[kMostPairs];
  __shared__ float sine[kMostPairs];
  const int64_t token = blockIdx.x;
  const int pairs = args.table.pairs;
  const int set = args.table.sets > 1 ? args.positions[args.tokens + token] : 0;
  for (int j = threadIdx.x; j < pairs; j += kThreads) {
    const auto position =
        static_cast<float>(args.positions[args.table.axis[j] * args.tokens + token]);
    const float angle = position * args.table.inv_freq[set * pairs + j];
    cosine[j] = cosf(angle);
    sine[j] = sinf(angle);
  }
  __syncthreads();
  float* x = args.x + token * args.heads * 2 * pairs;
  for (int64_t i = threadIdx.x; i < args.heads * pairs; i += kThreads) {
    const int64_t j = i % pairs;
    float* first = x + i / pairs * 2 * pairs + j;
    const float a = first[0];
    const float b = first[pairs];
    first[0] = a * cosine[j] - b * sine[j];
    first[pairs] = b * cosine[j] + a * sine[j];
  }
}

}  // namespace

void rms_norm_plain(const NormArgs& args, Context& context) {
  if (args.n == 0) return;
  rms_norm_kernel<<<static_cast<unsigned>(args.n), kThreads, 0, context.stream>>>(args);
  launched("rms_norm (plain)");
}

void layer_norm_plain(const NormArgs& args, Context& context) {
  if (args.n == 0) return;
  layer_norm_kernel<<<static_cast<unsigned>(args.n), kThreads, 0, context.stream>>>(args);
  launched("layer_norm (plain)");
}

void silu_multiply_plain(const SiluArgs& args, Context& context) {
  if (args.count == 0) return;
  const auto blocks = static_cast<unsigned>((args.count + kThreads - 1) / kThreads);
  silu_multiply_kernel<<<blocks, kThreads, 0, context.stream>>>(args);
  launched("silu_multiply (plain)");
}

void rope_plain(const RopeArgs& args, Context& context) {
  if (args.tokens == 0) return;
  rope_kernel<<<static_cast<unsigned>(args.tokens), kThreads, 0, context.stream>>>(args);
  launched("rope (plain)");
}

}  // namespace visavis::ops::cuda
