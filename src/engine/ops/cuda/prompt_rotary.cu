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

__device__ int8_t to_code(float x) { return static_cast<int8_t>(__float2int_rn(x)); }

__device__ void keep(float x, __half* to) { *to = to_half(x); }
__device__ void keep(float x, int8_t* to) { *to = to_code(x); }

// What a row is multiplied with before an int8 cache keeps it; its scale is kept beside it.
__device__ float scale_for_cache(float largest, float* scale, bool writes) {
  constexpr float kTiny = 1e-35f;  // 127 / largest stays finite
  const bool present = largest > kTiny;
  if (writes) *scale = present ? largest / 127.0f : 0.0f;
  return present ? 127.0f / largest : 0.0f;
}

// Frequencies as many threads read them: each its own, which constant memory would serve one by
// one.
struct SharedFrequencies {
  float inv_freq[kMostFrequencies];
  uint8_t axis[kMostPairs];
  int pairs;
  bool several;  // sets

  __device__ void load(const RopeFrequencies& table) {
    const int count = table.pairs * table.sets;
    for (int j = static_cast<int>(threadIdx.x); j < count; j += kThreads)
      inv_freq[j] = table.inv_freq[j];
    for (int j = static_cast<int>(threadIdx.x); j < table.pairs; j += kThreads)
      axis[j] = table.axis[j];
    if (threadIdx.x == 0) {
      pairs = table.pairs;
      several = table.sets > 1;
    }
    __syncthreads();
  }

  // The angle is rounded to f32 before its cosine and sine, as in the oracle; turns of it are taken
  // off in two parts, which leaves it exact to 1e-6 for angles up to 10^5.
  __device__ void turn(const int32_t* positions, int64_t tokens, int64_t token, int pair,
                       float& cosine, float& sine) const {
    const int at = (several ? positions[tokens + token] * pairs : 0) + pair;
    const float angle = static_cast<float>(positions[axis[pair] * tokens + token]) * inv_freq[at];
    const float turns = rintf(angle * 0.15915494309189535f);
    float rest = fmaf(-turns, 6.28125f, angle);
    rest = fmaf(-turns, 0.0019353071795864769f, rest);
    __sincosf(rest, &sine, &cosine);
  }
};

template <class T>
__device__ float2 widen(uint32_t bits);
template <>
__device__ float2 widen<__half>(uint32_t bits) {
  return __half22float2(*reinterpret_cast<const __half2*>(&bits));
}
template <>
__device__ float2 widen<__nv_bfloat16>(uint32_t bits) {
  return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&bits));
}
template <class T>
__device__ uint32_t narrow(float low, float high);
template <>
__device__ uint32_t narrow<__half>(float low, float high) {
  const __half2 pair = __halves2half2(to_half(low), to_half(high));
  return *reinterpret_cast<const uint32_t*>(&pair);
}
template <>
__device__ uint32_t narrow<__nv_bfloat16>(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}

constexpr int kPictureTokens = 4;

// A block takes q, k and v of kPictureTokens tokens, a thread four successive pairs at a time.
template <class T>
__global__ void __launch_bounds__(kThreads) picture_rope_kernel(PictureRopeArgs args) {
  __shared__ SharedFrequencies frequencies;
  __shared__ float cosine[kPictureTokens][kMostPairs];
  __shared__ float sine[kPictureTokens][kMostPairs];
  frequencies.load(args.table);
  const int pairs = args.table.pairs;
  const int64_t start = int64_t{blockIdx.x} * kPictureTokens;
  const int tokens = static_cast<int>(min(int64_t{kPictureTokens}, args.tokens - start));
  for (int i = static_cast<int>(threadIdx.x); i < tokens * pairs; i += kThreads) {
    const int token = i / pairs;
    const int j = i % pairs;
    frequencies.turn(args.positions, args.tokens, start + token, j, cosine[token][j],
                     sine[token][j]);
  }
  __syncthreads();
  const int quads = pairs / 4;
  const int heads = static_cast<int>(args.heads);
  for (int i = static_cast<int>(threadIdx.x); i < 3 * tokens * heads * quads; i += kThreads) {
    const int j = i % quads * 4;
    const int row = i / quads;
    const int head = row % heads;
    const int token = row / heads % tokens;
    const int part = row / (heads * tokens);
    const int64_t place = ((start + token) * heads + head) * 2 * pairs + j;
    const int64_t packed = (head * args.tokens + start + token) * 2 * pairs + j;
    const T* first = static_cast<const T*>(part == 0   ? args.q
                                           : part == 1 ? args.k
                                                       : args.v) +
                     place;
    T* to = part == 0   ? static_cast<T*>(args.q) + place
            : part == 1 ? static_cast<T*>(args.packed_k) + packed
                        : static_cast<T*>(args.packed_v) + packed;
    uint2 low = *reinterpret_cast<const uint2*>(first);
    uint2 high = *reinterpret_cast<const uint2*>(first + pairs);
    const auto rotate = [&](uint32_t& a_bits, uint32_t& b_bits, int p) {
      const float2 a = widen<T>(a_bits);
      const float2 b = widen<T>(b_bits);
      const float c0 = cosine[token][p];
      const float c1 = cosine[token][p + 1];
      const float s0 = sine[token][p];
      const float s1 = sine[token][p + 1];
      a_bits = narrow<T>(a.x * c0 - b.x * s0, a.y * c1 - b.y * s1);
      b_bits = narrow<T>(b.x * c0 + a.x * s0, b.y * c1 + a.y * s1);
    };
    if (part != 2) {
      rotate(low.x, high.x, j);
      rotate(low.y, high.y, j + 2);
    }
    *reinterpret_cast<uint2*>(to) = low;
    *reinterpret_cast<uint2*>(to + pairs) = high;
  }
}

// One head in a warp's registers: lane i holds the pairs (i * kPairs + p, that + half a head).
template <int kHeadDim>
struct WarpHead {
  static constexpr int kPairs = kHeadDim / 64;
  static_assert(kPairs == 1 || kPairs == 2);
  float low[kPairs];
  float high[kPairs];

  __device__ void load(const float* x, int lane) {
    if constexpr (kPairs == 2) {
      const float2 a = reinterpret_cast<const float2*>(x)[lane];
      const float2 b = reinterpret_cast<const float2*>(x + kHeadDim / 2)[lane];
      low[0] = a.x;
      low[1] = a.y;
      high[0] = b.x;
      high[1] = b.y;
    } else {
      low[0] = x[lane];
      high[0] = x[kHeadDim / 2 + lane];
    }
  }
  __device__ float largest() const {
    float most = 0;
#pragma unroll
    for (int p = 0; p < kPairs; ++p) most = fmaxf(most, fmaxf(fabsf(low[p]), fabsf(high[p])));
    return warp_max(most);
  }
  // As int8, `scale` times.
  __device__ void store(int8_t* to, float scale, int lane) const {
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
      to[lane * kPairs + p] = to_code(low[p] * scale);
      to[kHeadDim / 2 + lane * kPairs + p] = to_code(high[p] * scale);
    }
  }
  // As f16, `scale` times.
  __device__ void store(__half* to, float scale, int lane) const {
    if constexpr (kPairs == 2) {
      reinterpret_cast<uint32_t*>(to)[lane] = narrow<__half>(low[0] * scale, low[1] * scale);
      reinterpret_cast<uint32_t*>(to + kHeadDim / 2)[lane] =
          narrow<__half>(high[0] * scale, high[1] * scale);
    } else {
      to[lane] = to_half(low[0] * scale);
      to[kHeadDim / 2 + lane] = to_half(high[0] * scale);
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

constexpr int kHeadsAtOnce = 4;

// A warp takes kHeadsAtOnce heads of one token.
template <int kHeadDim>
__global__ void __launch_bounds__(kThreads) query_kernel(PromptRotaryArgs args) {
  using Head = WarpHead<kHeadDim>;
  __shared__ SharedFrequencies frequencies;
  frequencies.load(args.table);
  const int lane = threadIdx.x % kWarp;
  const int64_t task = int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  const int64_t tasks_per_token = (args.heads + kHeadsAtOnce - 1) / kHeadsAtOnce;
  const int64_t token = task / tasks_per_token;
  if (token >= args.batch.tokens) return;
  const int64_t first = task % tasks_per_token * kHeadsAtOnce;
  Head heads[kHeadsAtOnce];
#pragma unroll
  for (int h = 0; h < kHeadsAtOnce; ++h) {
    if (first + h < args.heads)
      heads[h].load(args.q + (token * args.heads + first + h) * kHeadDim, lane);
  }
  float cosine[Head::kPairs];
  float sine[Head::kPairs];
#pragma unroll
  for (int p = 0; p < Head::kPairs; ++p) {
    frequencies.turn(args.batch.positions, args.batch.tokens, token, lane * Head::kPairs + p,
                     cosine[p], sine[p]);
  }
#pragma unroll
  for (int h = 0; h < kHeadsAtOnce; ++h) {
    if (first + h >= args.heads) break;
    if (args.q_norm != nullptr) heads[h].norm(args.q_norm, args.q_eps, lane);
    heads[h].rotate(cosine, sine);
    heads[h].store(
        static_cast<__half*>(args.rotated_q) + (token * args.heads + first + h) * 2 * kHeadDim,
        args.scale, lane);
  }
}

constexpr int kTokensAtOnce = 32;

// A block takes one head of 32 tokens. Keys lie dimension by dimension in the cache: they are
// turned over in shared memory, so that neighbouring threads write neighbouring positions.
template <class T, int kHeadDim>
__global__ void __launch_bounds__(kThreads) cache_kernel(PromptRotaryArgs args) {
  using Head = WarpHead<kHeadDim>;
  constexpr int kPitch = kTokensAtOnce + 2;
  constexpr int kTurns = kTokensAtOnce / kWarps;
  __shared__ T keys[kHeadDim * kPitch];
  __shared__ SharedFrequencies frequencies;
  frequencies.load(args.table);
  const int lane = threadIdx.x % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t start = int64_t{blockIdx.x} * kTokensAtOnce;
  const int64_t head_index = blockIdx.y;
  const int64_t kv_heads = args.kv.kv_heads;
  Head heads[kTurns];
  Head values[kTurns];
#pragma unroll
  for (int i = 0; i < kTurns; ++i) {
    const int64_t token = start + i * kWarps + warp;
    if (token >= args.batch.tokens) break;
    heads[i].load(args.k + (token * kv_heads + head_index) * kHeadDim, lane);
    values[i].load(args.v + (token * kv_heads + head_index) * kHeadDim, lane);
  }
#pragma unroll
  for (int i = 0; i < kTurns; ++i) {
    const int column = i * kWarps + warp;
    const int64_t token = start + column;
    if (token >= args.batch.tokens) break;
    float cosine[Head::kPairs];
    float sine[Head::kPairs];
#pragma unroll
    for (int p = 0; p < Head::kPairs; ++p) {
      frequencies.turn(args.batch.positions, args.batch.tokens, token, lane * Head::kPairs + p,
                       cosine[p], sine[p]);
    }
    if (args.k_norm != nullptr) heads[i].norm(args.k_norm, args.k_eps, lane);
    heads[i].rotate(cosine, sine);
    const int64_t slot = args.batch.slots[token];
    const int64_t position =
        (slot / kPageSize * kv_heads + head_index) * kPageSize + slot % kPageSize;
    float key_scale = 1;
    float value_scale = 1;
    if constexpr (sizeof(T) == 1) {
      key_scale = scale_for_cache(heads[i].largest(), args.kv.k_scales + position, lane == 0);
      value_scale = scale_for_cache(values[i].largest(), args.kv.v_scales + position, lane == 0);
    }
#pragma unroll
    for (int p = 0; p < Head::kPairs; ++p) {
      T* to = keys + (lane * Head::kPairs + p) * kPitch + column;
      keep(heads[i].low[p] * key_scale, to);
      keep(heads[i].high[p] * key_scale, to + kHeadDim / 2 * kPitch);
    }
    values[i].store(static_cast<T*>(args.kv.v) + position * kHeadDim, value_scale, lane);
  }
  __syncthreads();
  const int64_t token = start + lane;
  if (token >= args.batch.tokens) return;
  const int64_t slot = args.batch.slots[token];
  T* to = static_cast<T*>(args.kv.k) +
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
  if (args.kv.type == KvType::i8) {
    cache_kernel<int8_t, kHeadDim><<<grid, kThreads, 0, stream>>>(args);
  } else {
    cache_kernel<__half, kHeadDim><<<grid, kThreads, 0, stream>>>(args);
  }
}

}  // namespace

void picture_rope(const PictureRopeArgs& args, Context& context) {
  if (args.tokens == 0) return;
  const auto grid = static_cast<unsigned>((args.tokens + kPictureTokens - 1) / kPictureTokens);
  if (args.bf16) {
    picture_rope_kernel<__nv_bfloat16><<<grid, kThreads, 0, context.stream>>>(args);
  } else {
    picture_rope_kernel<__half><<<grid, kThreads, 0, context.stream>>>(args);
  }
  launched("rotating a picture's rows");
}

bool prompt_rotary_supports(const PromptRotaryArgs& args) {
  return args.kv.type != KvType::f32 && args.kv.page_size == kPageSize &&
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
