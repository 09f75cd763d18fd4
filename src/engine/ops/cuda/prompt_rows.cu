#include "engine/ops/cuda/prompt_rows.h"

#include <type_traits>

#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 256;
constexpr float kLargestHalf = 65504.0f;

template <class T>
__device__ uint32_t round_pair(float low, float high) {
  if constexpr (std::is_same_v<T, __half>) {
    const __half2 pair = __floats2half2_rn(fminf(fmaxf(low, -kLargestHalf), kLargestHalf),
                                           fminf(fmaxf(high, -kLargestHalf), kLargestHalf));
    return *reinterpret_cast<const uint32_t*>(&pair);
  } else {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const uint32_t*>(&pair);
  }
}

template <class T>
__device__ float2 widen_pair(uint32_t bits) {
  if constexpr (std::is_same_v<T, __half>) {
    return __half22float2(*reinterpret_cast<const __half2*>(&bits));
  } else {
    return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&bits));
  }
}

template <class T>
__device__ void widen_8(uint4 bits, float (&values)[8]) {
  const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 pair = widen_pair<T>(words[i]);
    values[i * 2] = pair.x;
    values[i * 2 + 1] = pair.y;
  }
}

template <class T>
__device__ uint4 round_8(const float (&values)[8]) {
  return {round_pair<T>(values[0], values[1]), round_pair<T>(values[2], values[3]),
          round_pair<T>(values[4], values[5]), round_pair<T>(values[6], values[7])};
}

unsigned blocks_for(int64_t items) {
  return static_cast<unsigned>((items + kThreads - 1) / kThreads);
}

// Calls launch with a value of the 16-bit type.
template <class Launch>
void with_type(bool bf16, Launch&& launch) {
  if (bf16) {
    launch(__nv_bfloat16{});
  } else {
    launch(__half{});
  }
}

template <class T>
__global__ void round_kernel(const float* x, int64_t count, T* y) {
  const int64_t i = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * 4;
  if (i + 4 <= count) {
    const float4 v = *reinterpret_cast<const float4*>(x + i);
    *reinterpret_cast<uint2*>(y + i) = {round_pair<T>(v.x, v.y), round_pair<T>(v.z, v.w)};
    return;
  }
  for (int64_t j = i; j < count; ++j) {
    const uint32_t pair = round_pair<T>(x[j], 0);
    y[j] = reinterpret_cast<const T*>(&pair)[0];
  }
}

template <class T>
__global__ void round_rows_kernel(const float* x, int64_t stride, uint32_t pieces,
                                  uint32_t row_pieces, T* y) {
  const uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= pieces) return;
  const float4 v =
      *reinterpret_cast<const float4*>(x + i / row_pieces * stride + i % row_pieces * 4);
  reinterpret_cast<uint2*>(y)[i] = {round_pair<T>(v.x, v.y), round_pair<T>(v.z, v.w)};
}

// One row per block, held in registers (kPieces float4 per thread), or read again if kPieces is 0.
template <class T, int kPieces, int kBlock>
__global__ void __launch_bounds__(kBlock) norm_kernel(NormArgs args, T* y) {
  __shared__ float room[kBlock / kWarp];
  const int cols = static_cast<int>(args.cols);
  const auto* x = reinterpret_cast<const float4*>(args.x + blockIdx.x * args.cols);
  const int pieces = cols / 4;
  float4 held[kPieces == 0 ? 1 : kPieces];
  const auto each = [&](auto&& use) {
    if constexpr (kPieces == 0) {
      for (int p = static_cast<int>(threadIdx.x); p < pieces; p += kBlock) use(p, x[p]);
    } else {
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        const int p = i * kBlock + static_cast<int>(threadIdx.x);
        if (p < pieces) use(p, held[i]);
      }
    }
  };
  if constexpr (kPieces != 0) {
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const int p = i * kBlock + static_cast<int>(threadIdx.x);
      if (p < pieces) held[i] = x[p];
    }
  }
  const bool centered = args.bias != nullptr;
  float mean = 0;
  if (centered) {
    float sum = 0;
    each([&](int, float4 v) { sum += (v.x + v.y) + (v.z + v.w); });
    mean = block_sum(sum, room) / static_cast<float>(cols);
  }
  float squares = 0;
  each([&](int, float4 v) {
    const float a = v.x - mean;
    const float b = v.y - mean;
    const float c = v.z - mean;
    const float d = v.w - mean;
    squares += (a * a + b * b) + (c * c + d * d);
  });
  const float variance = block_sum(squares, room) / static_cast<float>(cols);
  const float inverse = 1.0f / sqrtf(variance + args.eps);
  auto* out = reinterpret_cast<uint2*>(y + blockIdx.x * args.cols);
  each([&](int p, float4 v) {
    const float4 w = reinterpret_cast<const float4*>(args.weight)[p];
    float4 b = {0, 0, 0, 0};
    if (centered) b = reinterpret_cast<const float4*>(args.bias)[p];
    out[p] = {
        round_pair<T>((v.x - mean) * inverse * w.x + b.x, (v.y - mean) * inverse * w.y + b.y),
        round_pair<T>((v.z - mean) * inverse * w.z + b.z, (v.w - mean) * inverse * w.w + b.w)};
  });
}

template <class T>
__global__ void silu_kernel(T* gate, const T* up, int64_t pieces, float scale) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= pieces) return;
  float g[8];
  float u[8];
  widen_8<T>(reinterpret_cast<const uint4*>(gate)[i], g);
  widen_8<T>(reinterpret_cast<const uint4*>(up)[i], u);
#pragma unroll
  for (int e = 0; e < 8; ++e) g[e] = __fdividef(g[e], 1.0f + __expf(-g[e])) * u[e] * scale;
  reinterpret_cast<uint4*>(gate)[i] = round_8<T>(g);
}

template <class T>
__global__ void activate_16_kernel(T* x, int64_t pieces, Activation activation) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= pieces) return;
  const uint2 bits = reinterpret_cast<const uint2*>(x)[i];
  const float2 a = widen_pair<T>(bits.x);
  const float2 b = widen_pair<T>(bits.y);
  reinterpret_cast<uint2*>(x)[i] = {
      round_pair<T>(activate(activation, a.x), activate(activation, a.y)),
      round_pair<T>(activate(activation, b.x), activate(activation, b.y))};
}

__global__ void activate_f32_kernel(const float* x, int64_t count, Activation activation,
                                    bool accumulate, float* y) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= count) return;
  const float value = activate(activation, x[i]);
  y[i] = accumulate ? y[i] + value : value;
}

template <class T>
__global__ void round_three_kernel(const float* a, const float* b, const float* c, int64_t count,
                                   T* y) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= 3 * count) return;
  const float* from = i < count ? a : i < 2 * count ? b : c;
  const uint32_t pair = round_pair<T>(from[i % count], 0);
  y[i] = reinterpret_cast<const T*>(&pair)[0];
}

constexpr int kRowsAtOnce = 4;

// A thread expands eight successive columns of kRowsAtOnce rows; grid.y counts groups of rows.
template <class T, WeightKind kKind>
__global__ void __launch_bounds__(kThreads)
    expand_kernel(WeightArgs weight, int64_t row_begin, int64_t rows, T* y) {
  const int64_t col = (int64_t{blockIdx.x} * kThreads + threadIdx.x) * 8;
  if (col >= weight.cols) return;
  const int64_t first = int64_t{blockIdx.y} * kRowsAtOnce;
  constexpr int kWords = kKind == WeightKind::int4   ? 1
                         : kKind == WeightKind::int8 ? 2
                         : kKind == WeightKind::f32  ? 8
                                                     : 4;
  uint32_t words[kRowsAtOnce][kWords];
  float scale[kRowsAtOnce];
#pragma unroll
  for (int r = 0; r < kRowsAtOnce; ++r) {
    const int64_t row = row_begin + min(first + r, rows - 1);
    const int64_t at = row * weight.cols + col;
    const auto* bytes = static_cast<const uint8_t*>(weight.values);
    if constexpr (kKind == WeightKind::int4) {
      words[r][0] = *reinterpret_cast<const uint32_t*>(bytes + at / 2);
    } else if constexpr (kKind == WeightKind::int8) {
      const uint2 bits = *reinterpret_cast<const uint2*>(bytes + at);
      words[r][0] = bits.x;
      words[r][1] = bits.y;
    } else {
      constexpr int kSize = kKind == WeightKind::f32 ? 4 : 2;
#pragma unroll
      for (int i = 0; i < kWords / 4; ++i) {
        const uint4 bits = reinterpret_cast<const uint4*>(bytes + at * kSize)[i];
        words[r][i * 4] = bits.x;
        words[r][i * 4 + 1] = bits.y;
        words[r][i * 4 + 2] = bits.z;
        words[r][i * 4 + 3] = bits.w;
      }
    }
    if constexpr (kKind == WeightKind::int4 || kKind == WeightKind::int8) {
      const unsigned group = static_cast<unsigned>(col) / static_cast<unsigned>(weight.group);
      scale[r] =
          __half2float(static_cast<const __half*>(weight.scales)[row * weight.groups + group]);
    }
  }
#pragma unroll
  for (int r = 0; r < kRowsAtOnce; ++r) {
    if (first + r >= rows) return;
    float values[8];
    if constexpr (kKind == WeightKind::int4) {
#pragma unroll
      for (int e = 0; e < 8; ++e) {
        // 2^23 + code as a float, so that no conversion is needed
        const uint32_t bits = (words[r][0] >> (4 * e) & 15u) | 0x4B000000u;
        values[e] = (__uint_as_float(bits) - 8388616.0f) * scale[r];
      }
    } else if constexpr (kKind == WeightKind::int8) {
#pragma unroll
      for (int e = 0; e < 8; ++e) {
        const auto code = static_cast<int8_t>(words[r][e / 4] >> (8 * (e % 4)));
        values[e] = static_cast<float>(code) * scale[r];
      }
    } else if constexpr (kKind == WeightKind::f32) {
#pragma unroll
      for (int e = 0; e < 8; ++e) values[e] = __uint_as_float(words[r][e]);
    } else {
      using In = std::conditional_t<kKind == WeightKind::f16, __half, __nv_bfloat16>;
      widen_8<In>({words[r][0], words[r][1], words[r][2], words[r][3]}, values);
    }
    T* to = y + (first + r) * weight.cols + col;
    if constexpr (std::is_same_v<T, float>) {
      reinterpret_cast<float4*>(to)[0] = {values[0], values[1], values[2], values[3]};
      reinterpret_cast<float4*>(to)[1] = {values[4], values[5], values[6], values[7]};
    } else {
      *reinterpret_cast<uint4*>(to) = round_8<T>(values);
    }
  }
}

template <class T, WeightKind kKind>
void expand(const WeightArgs& weight, int64_t begin, int64_t rows, T* y, cudaStream_t stream) {
  const dim3 grid(blocks_for(weight.cols / 8),
                  static_cast<unsigned>((rows + kRowsAtOnce - 1) / kRowsAtOnce));
  expand_kernel<T, kKind><<<grid, kThreads, 0, stream>>>(weight, begin, rows, y);
}

template <class T>
void expand_any(const WeightArgs& weight, int64_t begin, int64_t rows, T* y, cudaStream_t stream) {
  switch (weight.kind) {
    case WeightKind::int4:
      return expand<T, WeightKind::int4>(weight, begin, rows, y, stream);
    case WeightKind::int8:
      return expand<T, WeightKind::int8>(weight, begin, rows, y, stream);
    case WeightKind::f16:
      return expand<T, WeightKind::f16>(weight, begin, rows, y, stream);
    case WeightKind::bf16:
      return expand<T, WeightKind::bf16>(weight, begin, rows, y, stream);
    case WeightKind::f32:
      return expand<T, WeightKind::f32>(weight, begin, rows, y, stream);
  }
}

}  // namespace

void round_values(const float* x, int64_t count, bool bf16, void* y, cudaStream_t stream) {
  if (count == 0) return;
  with_type(bf16, [&](auto type) {
    using T = decltype(type);
    round_kernel<T>
        <<<blocks_for((count + 3) / 4), kThreads, 0, stream>>>(x, count, static_cast<T*>(y));
  });
  launched("rounding values");
}

void round_rows(const float* x, int64_t n, int64_t cols, int64_t stride, bool bf16, void* y,
                cudaStream_t stream) {
  if (n == 0) return;
  with_type(bf16, [&](auto type) {
    using T = decltype(type);
    round_rows_kernel<T><<<blocks_for(n * cols / 4), kThreads, 0, stream>>>(
        x, stride, static_cast<uint32_t>(n * cols / 4), static_cast<uint32_t>(cols / 4),
        static_cast<T*>(y));
  });
  launched("rounding rows");
}

void norm_round(const NormArgs& args, bool bf16, void* y, cudaStream_t stream) {
  if (args.n == 0) return;
  constexpr int kNarrow = 128;
  const auto grid = static_cast<unsigned>(args.n);
  with_type(bf16, [&](auto type) {
    using T = decltype(type);
    T* out = static_cast<T*>(y);
    if (args.cols <= kNarrow * 3 * 4) {
      norm_kernel<T, 3, kNarrow><<<grid, kNarrow, 0, stream>>>(args, out);
    } else if (args.cols <= kThreads * 5 * 4) {
      norm_kernel<T, 5, kThreads><<<grid, kThreads, 0, stream>>>(args, out);
    } else {
      norm_kernel<T, 0, kThreads><<<grid, kThreads, 0, stream>>>(args, out);
    }
  });
  launched("norm and rounding");
}

void silu_multiply_16(void* gate, const void* up, int64_t count, bool bf16, float scale,
                      cudaStream_t stream) {
  if (count == 0) return;
  with_type(bf16, [&](auto type) {
    using T = decltype(type);
    silu_kernel<T><<<blocks_for(count / 8), kThreads, 0, stream>>>(
        static_cast<T*>(gate), static_cast<const T*>(up), count / 8, scale);
  });
  launched("silu of 16-bit values");
}

void activate_16(void* x, int64_t count, Activation activation, bool bf16, cudaStream_t stream) {
  if (count == 0) return;
  with_type(bf16, [&](auto type) {
    using T = decltype(type);
    activate_16_kernel<T>
        <<<blocks_for(count / 4), kThreads, 0, stream>>>(static_cast<T*>(x), count / 4, activation);
  });
  launched("activation of 16-bit values");
}

void activate_f32(const float* x, int64_t count, Activation activation, bool accumulate, float* y,
                  cudaStream_t stream) {
  if (count == 0) return;
  activate_f32_kernel<<<blocks_for(count), kThreads, 0, stream>>>(x, count, activation, accumulate,
                                                                  y);
  launched("activation");
}

void round_three(const float* a, const float* b, const float* c, int64_t count, bool bf16, void* y,
                 cudaStream_t stream) {
  if (count == 0) return;
  with_type(bf16, [&](auto type) {
    using T = decltype(type);
    round_three_kernel<T>
        <<<blocks_for(3 * count), kThreads, 0, stream>>>(a, b, c, count, static_cast<T*>(y));
  });
  launched("rounding biases");
}

void expand_weight(const WeightArgs& weight, int64_t begin, int64_t rows, MatrixType type, void* y,
                   cudaStream_t stream) {
  switch (type) {
    case MatrixType::f32:
      expand_any(weight, begin, rows, static_cast<float*>(y), stream);
      break;
    case MatrixType::bf16:
      expand_any(weight, begin, rows, static_cast<__nv_bfloat16*>(y), stream);
      break;
    case MatrixType::f16:
      expand_any(weight, begin, rows, static_cast<__half*>(y), stream);
      break;
  }
  launched("expanding a weight");
}

}  // namespace visavis::ops::cuda
