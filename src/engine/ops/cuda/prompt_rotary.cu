#include "engine/ops/cuda/prompt_rotary.h"

#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kPageSize = 64;
constexpr float kLargestHalf = 65504.0f;

__device__ __half to_half(float x) {
  return __float2half_rn(fminf(fmaxf(x, -kLargestHalf), kLargestHalf));
}

// The angle is rounded to f32 before its cosine and sine, as in the oracle.
__device__ void turn(const RopeFrequencies& table, const int32_t* positions, int64_t tokens,
                     int64_t token, int pair, float& cosine, float& sine) {
  const auto position = static_cast<float>(positions[table.axis[pair] * tokens + token]);
  sincosf(position * table.inv_freq[pair], &sine, &cosine);
}

template <class T>
__device__ float widen(T value);
template <>
__device__ float widen(__half value) {
  return __half2float(value);
}
template <>
__device__ float widen(__nv_bfloat16 value) {
  return __bfloat162float(value);
}
template <class T>
__device__ T narrow(float value);
template <>
__device__ __half narrow(float value) {
  return to_half(value);
}
template <>
__device__ __nv_bfloat16 narrow(float value) {
  return __float2bfloat16_rn(value);
}

// A block turns a token's q (blockIdx.y 0) or k; neighbouring threads take neighbouring pairs.
template <class T>
__global__ void picture_rope_kernel(PictureRopeArgs args) {
  __shared__ float cosine[kMostPairs];
  __shared__ float sine[kMostPairs];
  const int64_t token = blockIdx.x;
  const int pairs = args.table.pairs;
  for (int j = static_cast<int>(threadIdx.x); j < pairs; j += kThreads)
    turn(args.table, args.positions, args.tokens, token, j, cosine[j], sine[j]);
  __syncthreads();
  T* x = static_cast<T*>(blockIdx.y == 0 ? args.q : args.k) + token * args.heads * 2 * pairs;
  for (int i = static_cast<int>(threadIdx.x); i < args.heads * pairs; i += kThreads) {
    const int j = i % pairs;
    T* first = x + i / pairs * 2 * pairs + j;
    const float a = widen(first[0]);
    const float b = widen(first[pairs]);
    first[0] = narrow<T>(a * cosine[j] - b * sine[j]);
    first[pairs] = narrow<T>(b * cosine[j] + a * sine[j]);
  }
}

// One head in a warp's registers: lane i holds the pairs (i * kPairs + p, that + half a head).
template <int kHeadDim>
struct WarpHead {
  static constexpr int kPairs = kHeadDim / 64;
  float low[kPairs];
  float high[kPairs];

  __device__ void load(const float* x, int lane) {
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
      low[p] = x[lane * kPairs + p];
      high[p] = x[kHeadDim / 2 + lane * kPairs + p];
    }
  }
  __device__ void norm(const float* weight, float eps, int lane) {
    float squares = 0;
#pragma unroll
    for (int p = 0; p < kPairs; ++p) squares += low[p] * low[p] + high[p] * high[p];
    const float inverse = 1.0f / sqrtf(warp_sum(squares) / kHeadDim + eps);
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
      low[p] *= inverse * weight[lane * kPairs + p];
      high[p] *= inverse * weight[kHeadDim / 2 + lane * kPairs + p];
    }
  }
  __device__ void rotate(const float (&cosine)[kPairs], const float (&sine)[kPairs]) {
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
      const float a = low[p];
      const float b = high[p];
      low[p] = a * cosine[p] - b * sine[p];
      high[p] = b * cosine[p] + a * sine[p];
    }
  }
};

constexpr int kHeadsAtOnce = 8;

// A warp takes kHeadsAtOnce heads of one token.
template <int kHeadDim>
__global__ void __launch_bounds__(kThreads) query_kernel(PromptRotaryArgs args) {
  using Head = WarpHead<kHeadDim>;
  const int lane = threadIdx.x % kWarp;
  const int64_t task = int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  const int64_t tasks_per_token = (args.heads + kHeadsAtOnce - 1) / kHeadsAtOnce;
  const int64_t token = task / tasks_per_token;
  if (token >= args.batch.tokens) return;
  const int64_t first = task % tasks_per_token * kHeadsAtOnce;
  float cosine[Head::kPairs];
  float sine[Head::kPairs];
#pragma unroll
  for (int p = 0; p < Head::kPairs; ++p) {
    turn(args.table, args.batch.positions, args.batch.tokens, token, lane * Head::kPairs + p,
         cosine[p], sine[p]);
  }
#pragma unroll 4
  for (int64_t h = first; h < min(first + kHeadsAtOnce, args.heads); ++h) {
    Head head;
    head.load(args.q + (token * args.heads + h) * kHeadDim, lane);
    if (args.q_norm != nullptr) head.norm(args.q_norm, args.q_eps, lane);
    head.rotate(cosine, sine);
    __half* to = static_cast<__half*>(args.rotated_q) + (token * args.heads + h) * 2 * kHeadDim;
#pragma unroll
    for (int p = 0; p < Head::kPairs; ++p) {
      to[lane * Head::kPairs + p] = to_half(head.low[p] * args.scale);
      to[kHeadDim / 2 + lane * Head::kPairs + p] = to_half(head.high[p] * args.scale);
    }
  }
}

constexpr int kTokensAtOnce = 32;

// A block takes one head of 32 tokens. Keys lie dimension by dimension in the cache: they are
// turned over in shared memory, so that neighbouring threads write neighbouring positions.
template <int kHeadDim>
__global__ void __launch_bounds__(kThreads) cache_kernel(PromptRotaryArgs args) {
  using Head = WarpHead<kHeadDim>;
  constexpr int kPitch = kTokensAtOnce + 2;
  __shared__ __half keys[kHeadDim * kPitch];
  const int lane = threadIdx.x % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t start = int64_t{blockIdx.x} * kTokensAtOnce;
  const int64_t head_index = blockIdx.y;
  const int64_t kv_heads = args.kv.kv_heads;
  for (int i = warp; i < kTokensAtOnce; i += kWarps) {
    const int64_t token = start + i;
    if (token >= args.batch.tokens) break;
    float cosine[Head::kPairs];
    float sine[Head::kPairs];
#pragma unroll
    for (int p = 0; p < Head::kPairs; ++p) {
      turn(args.table, args.batch.positions, args.batch.tokens, token, lane * Head::kPairs + p,
           cosine[p], sine[p]);
    }
    Head head;
    head.load(args.k + (token * kv_heads + head_index) * kHeadDim, lane);
    if (args.k_norm != nullptr) head.norm(args.k_norm, args.k_eps, lane);
    head.rotate(cosine, sine);
#pragma unroll
    for (int p = 0; p < Head::kPairs; ++p) {
      keys[(lane * Head::kPairs + p) * kPitch + i] = to_half(head.low[p]);
      keys[(kHeadDim / 2 + lane * Head::kPairs + p) * kPitch + i] = to_half(head.high[p]);
    }
    Head value;
    value.load(args.v + (token * kv_heads + head_index) * kHeadDim, lane);
    const int64_t slot = args.batch.slots[token];
    __half* to =
        static_cast<__half*>(args.kv.v) +
        ((slot / kPageSize * kv_heads + head_index) * kPageSize + slot % kPageSize) * kHeadDim;
#pragma unroll
    for (int p = 0; p < Head::kPairs; ++p) {
      to[lane * Head::kPairs + p] = to_half(value.low[p]);
      to[kHeadDim / 2 + lane * Head::kPairs + p] = to_half(value.high[p]);
    }
  }
  __syncthreads();
  const int64_t token = start + lane;
  if (token >= args.batch.tokens) return;
  const int64_t slot = args.batch.slots[token];
  __half* to = static_cast<__half*>(args.kv.k) +
               (slot / kPageSize * kv_heads + head_index) * kHeadDim * kPageSize + slot % kPageSize;
  for (int d = warp; d < kHeadDim; d += kWarps) to[d * kPageSize] = keys[d * kPitch + lane];
}

template <int kHeadDim>
void launch(const PromptRotaryArgs& args, cudaStream_t stream) {
  const int64_t tokens = args.batch.tokens;
  const int64_t tasks = tokens * ((args.heads + kHeadsAtOnce - 1) / kHeadsAtOnce);
  query_kernel<kHeadDim>
      <<<static_cast<unsigned>((tasks + kWarps - 1) / kWarps), kThreads, 0, stream>>>(args);
  const dim3 grid(static_cast<unsigned>((tokens + kTokensAtOnce - 1) / kTokensAtOnce),
                  static_cast<unsigned>(args.kv.kv_heads));
  cache_kernel<kHeadDim><<<grid, kThreads, 0, stream>>>(args);
}

}  // namespace

void picture_rope(const PictureRopeArgs& args, Context& context) {
  if (args.tokens == 0) return;
  const dim3 grid(static_cast<unsigned>(args.tokens), 2);
  if (args.bf16) {
    picture_rope_kernel<__nv_bfloat16><<<grid, kThreads, 0, context.stream>>>(args);
  } else {
    picture_rope_kernel<__half><<<grid, kThreads, 0, context.stream>>>(args);
  }
  launched("rotating a picture's rows");
}

bool prompt_rotary_supports(const PromptRotaryArgs& args) {
  return args.kv.type == KvType::f16 && args.kv.page_size == kPageSize &&
         (args.kv.head_dim == 64 || args.kv.head_dim == 128) &&
         args.table.pairs * 2 == args.kv.head_dim;
}

void prompt_rotary(const PromptRotaryArgs& args, Context& context) {
  if (args.batch.tokens == 0) return;
  if (args.kv.head_dim == 64) {
    launch<64>(args, context.stream);
  } else {
    launch<128>(args, context.stream);
  }
  launched("rotating a prompt's rows");
}

}  // namespace visavis::ops::cuda
