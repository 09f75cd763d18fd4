// The scale search of engine/load/fit_search.h, a warp per group. Its sums are of integers and its
// few float operations are rounded one by one (no product is fused with a sum), so that the codes
// do not tell which device made them; what the constants stand for is said there.
#include "engine/ops/cuda/quantize.h"
#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kWarps = 8;
constexpr unsigned kAll = 0xFFFFFFFFu;
constexpr float kTop = 1023.0f;
constexpr float kOne = 32768.0f;
constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23
constexpr int kFour = 4;
__constant__ const float kReach[2][kFour] = {{0.953f, 1.026f, 1.105f, 1.174f},
                                             {1.242f, 1.474f, 1.817f, 2.306f}};
__constant__ const float kFine[kFour] = {0.967f, 0.986f, 1.009f, 1.031f};

__device__ float load_value(const float* from) { return *from; }
__device__ float load_value(const __half* from) { return __half2float(*from); }
__device__ float load_value(const __nv_bfloat16* from) { return __bfloat162float(*from); }

__device__ int warp_sum_of_integers(int value) {
#if __CUDA_ARCH__ >= 800
  return __reduce_add_sync(kAll, value);
#else
  return warp_sum(value);
#endif
}

__device__ float rounded(float x) { return __fsub_rn(__fadd_rn(x, kRounder), kRounder); }

struct Fit {
  float scale = 0;
  float gain = 0;
  bool negative = false;
};

// A group's values as integers up to kTop, some of them in every lane.
template <int kOwn>
struct FixedGroup {
  int y[kOwn];

  // Tries four factors; every lane ends with the same best.
  __device__ void try_four(const float* factors, float one, bool negative, Fit& best) const {
    const int lowest = negative ? -7 : -8;
    const int highest = negative ? 8 : 7;
    uint32_t winner = 0;
    int winner_ly = 0;
    int winner_ll = 1;
#pragma unroll
    for (int c = 0; c < kFour; ++c) {
      const int multiplier = static_cast<int>(__fmul_rn(factors[c], one)) | 1;
      int ly = 0;
      int ll = 0;
#pragma unroll
      for (int i = 0; i < kOwn; ++i) {
        const int level = min(max((y[i] * multiplier + 16384) >> 15, lowest), highest);
        ly += level * y[i];
        ll += level * level;
      }
      ly = warp_sum_of_integers(ly);
      ll = warp_sum_of_integers(ll);
      const float product = static_cast<float>(ly);
      const float gain = __fdiv_rn(__fmul_rn(product, product), static_cast<float>(ll));
      const uint32_t key = (__float_as_uint(gain) & ~3u) | static_cast<uint32_t>(3 - c);
      if (key > winner) {
        winner = key;
        winner_ly = ly;
        winner_ll = ll;
      }
    }
    const float gain = __uint_as_float(winner & ~3u);
    if (!(gain > best.gain)) return;
    best.scale = __fdiv_rn(static_cast<float>(winner_ly), static_cast<float>(winner_ll));
    best.gain = gain;
    best.negative = negative;
  }
};

template <int kOwn>
__device__ float search(const float (&values)[kOwn]) {
  constexpr float kSmallestScale = 5.9604644775390625e-8f;  // 2^-24, the smallest f16
  float most = 0;
  float least = 0;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    most = fmaxf(most, values[i]);
    least = fminf(least, values[i]);
  }
  most = warp_max(most);
  least = -warp_max(-least);
  const float largest = most >= -least ? most : least;
  if (fabsf(largest) < kSmallestScale) return 0;
  FixedGroup<kOwn> fixed;
  const float factor = __fdiv_rn(kTop, largest);
#pragma unroll
  for (int i = 0; i < kOwn; ++i)
    fixed.y[i] = static_cast<int>(rounded(__fmul_rn(values[i], factor)));
  constexpr float kTopOnEight = 8 * kOne / kTop;
  Fit best;
  fixed.try_four(kReach[0], kTopOnEight, true, best);
  fixed.try_four(kReach[1], kTopOnEight, true, best);
  const float one = __fdiv_rn(kOne, best.scale);
  fixed.try_four(kFine, one, true, best);
  fixed.try_four(kFine, one, false, best);
  const float scale = __fmul_rn(best.scale, __fdiv_rn(largest, kTop));
  return best.negative ? -scale : scale;
}

// The lane's codes, side by side.
template <int kBits, int kOwn>
__device__ void store_codes(const int (&codes)[kOwn], uint8_t* group, int lane) {
  if constexpr (kBits == 8) {
    uint32_t packed = 0;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) packed |= (static_cast<uint32_t>(codes[i]) & 255u) << (8 * i);
    if constexpr (kOwn == 4) reinterpret_cast<uint32_t*>(group)[lane] = packed;
    if constexpr (kOwn == 2)
      reinterpret_cast<uint16_t*>(group)[lane] = static_cast<uint16_t>(packed);
    if constexpr (kOwn == 1) group[lane] = static_cast<uint8_t>(packed);
  } else if constexpr (kOwn == 1) {
    const int next = __shfl_down_sync(kAll, codes[0], 1);
    if (lane % 2 == 0) group[lane / 2] = static_cast<uint8_t>(codes[0] | (next << 4));
  } else {
#pragma unroll
    for (int i = 0; i < kOwn; i += 2)
      group[(lane * kOwn + i) / 2] = static_cast<uint8_t>(codes[i] | (codes[i + 1] << 4));
  }
}

template <class T, int kBits, int kOwn>
__global__ void __launch_bounds__(kWarps* kWarp) quantize_kernel(QuantizeArgs args) {
  constexpr int64_t kGroup = kOwn * kWarp;
  const int64_t index = int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  if (index >= args.rows * args.cols / kGroup) return;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const T* from = static_cast<const T*>(args.stored) + index * kGroup + lane * kOwn;
  float values[kOwn];
  bool finite = true;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    values[i] = load_value(from + i);
    finite = finite && isfinite(values[i]);
  }
  if (!__all_sync(kAll, finite)) {
    if (lane == 0) atomicOr(args.faults, uint32_t{kNotFinite});
    return;
  }
  float wanted;
  if constexpr (kBits == 4) {
    wanted = search(values);
  } else {
    float largest = 0;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) largest = fmaxf(largest, fabsf(values[i]));
    wanted = __fdiv_rn(warp_max(largest), 127.0f);
  }
  const __half half = __float2half_rn(wanted);
  const float scale = __half2float(half);
  if (lane == 0) {
    static_cast<__half*>(args.scales)[index] = half;
    if (!isfinite(scale)) atomicOr(args.faults, uint32_t{kScaleTooLarge});
  }
  const float inverse = scale != 0 && isfinite(scale) ? __fdiv_rn(1.0f, scale) : 0.0f;
  constexpr float kLowest = kBits == 4 ? -8.0f : -127.0f;
  constexpr float kHighest = kBits == 4 ? 7.0f : 127.0f;
  int codes[kOwn];
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const float scaled = fminf(fmaxf(__fmul_rn(values[i], inverse), kLowest), kHighest);
    codes[i] = static_cast<int>(rounded(scaled)) + (kBits == 4 ? 8 : 0);
  }
  store_codes<kBits>(codes, static_cast<uint8_t*>(args.codes) + index * kGroup * kBits / 8, lane);
}

template <class T, int kBits>
void launch(const QuantizeArgs& args, cudaStream_t stream) {
  const int64_t groups = args.rows * args.cols / args.group;
  const auto blocks = static_cast<unsigned>((groups + kWarps - 1) / kWarps);
  switch (args.group) {
    case 32:
      quantize_kernel<T, kBits, 1><<<blocks, kWarps * kWarp, 0, stream>>>(args);
      break;
    case 64:
      quantize_kernel<T, kBits, 2><<<blocks, kWarps * kWarp, 0, stream>>>(args);
      break;
    default:
      quantize_kernel<T, kBits, 4><<<blocks, kWarps * kWarp, 0, stream>>>(args);
  }
}

template <class T>
void launch_bits(const QuantizeArgs& args, cudaStream_t stream) {
  args.bits == 4 ? launch<T, 4>(args, stream) : launch<T, 8>(args, stream);
}

}  // namespace

bool quantize_supports(int bits, int64_t group, int64_t cols) {
  return (bits == 4 || bits == 8) && (group == 32 || group == 64 || group == 128) &&
         cols % group == 0;
}

void quantize(const QuantizeArgs& args, cudaStream_t stream) {
  if (args.rows == 0 || args.cols == 0) return;
  switch (args.kind) {
    case WeightKind::f32:
      launch_bits<float>(args, stream);
      break;
    case WeightKind::f16:
      launch_bits<__half>(args, stream);
      break;
    default:
      launch_bits<__nv_bfloat16>(args, stream);
  }
  launched("quantize");
}

}  // namespace visavis::ops::cuda
