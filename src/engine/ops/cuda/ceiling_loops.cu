// The loops behind the ceilings: reading memory, and chains of one instruction from registers.
#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kChains = 8;

__global__ void read_kernel(const float4* data, int64_t count, float* sink) {
  constexpr int kAtOnce = 4;
  const int64_t threads = int64_t{gridDim.x} * kThreads;
  float sum = 0;
  int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  for (; i + (kAtOnce - 1) * threads < count; i += kAtOnce * threads) {
    float4 read[kAtOnce];
#pragma unroll
    for (int j = 0; j < kAtOnce; ++j) read[j] = __ldcs(data + i + j * threads);
#pragma unroll
    for (int j = 0; j < kAtOnce; ++j) sum += read[j].x + read[j].y + read[j].z + read[j].w;
  }
  if (sum == 1e30f) *sink = sum;  // never, but the compiler cannot know
}

__global__ void fill_kernel(uint16_t* data, int64_t count) {
  const int64_t threads = int64_t{gridDim.x} * kThreads;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += threads) {
    uint32_t bits = static_cast<uint32_t>(i) * 2654435761u;
    bits ^= bits >> 15;
    bits *= 2246822519u;
    bits ^= bits >> 13;
    // Sign and mantissa at random: 1/128 to 1/32 as bf16, 1 to 5/4 as f16.
    data[i] = static_cast<uint16_t>((bits & 0x80FFu) | 0x3C00u);
  }
}

__global__ void multiply_kernel(int rounds, float start, float* sink) {
  float chain[kChains];
  for (int j = 0; j < kChains; ++j) chain[j] = start + static_cast<float>(j);
  for (int i = 0; i < rounds; ++i)
#pragma unroll
    for (int j = 0; j < kChains; ++j) chain[j] = fmaf(chain[j], 0.999f, 0.001f);
  float sum = 0;
  for (int j = 0; j < kChains; ++j) sum += chain[j];
  if (sum == 1e30f) *sink = sum;
}

__global__ void dot_kernel(int rounds, int start, float* sink) {
  int chain[kChains];
  for (int j = 0; j < kChains; ++j) chain[j] = start + j;
  for (int i = 0; i < rounds; ++i)
#pragma unroll
    for (int j = 0; j < kChains; ++j) chain[j] = __dp4a(chain[j], start, chain[j]);
  int sum = 0;
  for (int j = 0; j < kChains; ++j) sum += chain[j];
  if (sum == 123456789) *sink = static_cast<float>(sum);
}

}  // namespace

void run_fill_loop(void* data, int64_t bytes, const Context& context) {
  const auto blocks = static_cast<unsigned>(context.device.multiprocessors * 8);
  fill_kernel<<<blocks, kThreads, 0, context.stream>>>(static_cast<uint16_t*>(data), bytes / 2);
  launched("filling memory for the ceilings");
}

void run_read_loop(const void* data, int64_t bytes, float* sink, const Context& context) {
  const auto blocks = static_cast<unsigned>(context.device.multiprocessors * 8);
  read_kernel<<<blocks, kThreads, 0, context.stream>>>(static_cast<const float4*>(data), bytes / 16,
                                                       sink);
  launched("the read ceiling");
}

double run_multiply_loop(int rounds, float* sink, const Context& context) {
  const auto blocks = static_cast<unsigned>(context.device.multiprocessors * 8);
  multiply_kernel<<<blocks, kThreads, 0, context.stream>>>(rounds, 0.5f, sink);
  launched("the f32 ceiling");
  return 2.0 * kChains * rounds * static_cast<double>(blocks) * kThreads;
}

double run_dot_loop(int rounds, float* sink, const Context& context) {
  const auto blocks = static_cast<unsigned>(context.device.multiprocessors * 8);
  dot_kernel<<<blocks, kThreads, 0, context.stream>>>(rounds, 7, sink);
  launched("the int8 ceiling");
  return 8.0 * kChains * rounds * static_cast<double>(blocks) * kThreads;
}

}  // namespace visavis::ops::cuda
