// linear over interleaved weights on ARM's 8-bit dot products (ARMv8.2): sdot multiplies signed
// with signed bytes, so codes are unpacked to their values and no offset is taken off.
#include "engine/ops/cpu/linear_dot.h"

#if defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>

#include "engine/ops/cpu/unroll.h"

namespace visavis::ops {
namespace {

constexpr int kQuarters = 4;  // registers of four rows each

struct Sums {
  int32x4_t q[kQuarters];
};
struct Codes {
  int8x16_t q[kQuarters];
};
struct Values {
  float32x4_t q[kQuarters];
};
// 20 registers of sums, 4 of codes, 5 of activations: with six tokens g++ 12 keeps a sum in memory.
constexpr int kRowBlocks = 1;
constexpr int kTokens = 5;
constexpr int kFewSums = 2;

inline Sums start(int32_t value) {
  const int32x4_t all = vdupq_n_s32(value);
  return {{all, all, all, all}};
}
inline Sums add(const Sums& a, const Sums& b) {
  Sums out;
  each<kQuarters>(VISAVIS_BODY(i) { out.q[i] = vaddq_s32(a.q[i], b.q[i]); });
  return out;
}
inline Values to_float(const Sums& sums) {
  Values out;
  each<kQuarters>(VISAVIS_BODY(i) { out.q[i] = vcvtq_f32_s32(sums.q[i]); });
  return out;
}
inline Values load16(const float* from) {
  Values out;
  each<kQuarters>(VISAVIS_BODY(i) { out.q[i] = vld1q_f32(from + 4 * i); });
  return out;
}
inline void store16(float* to, const Values& values) {
  each<kQuarters>(VISAVIS_BODY(i) { vst1q_f32(to + 4 * i, values.q[i]); });
}
inline Values load_scales(const uint16_t* from) {
  Values out;
  each<kQuarters>(
      VISAVIS_BODY(i) { out.q[i] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from + 4 * i))); });
  return out;
}
inline Values scaled(const Values& values, float by) {
  Values out;
  each<kQuarters>(VISAVIS_BODY(i) { out.q[i] = vmulq_n_f32(values.q[i], by); });
  return out;
}
inline Values fma16(const Values& a, const Values& b, const Values& c) {
  Values out;
  each<kQuarters>(VISAVIS_BODY(i) { out.q[i] = vfmaq_f32(c.q[i], a.q[i], b.q[i]); });
  return out;
}
inline void prefetch(const uint8_t* at) { __builtin_prefetch(at); }
inline void prefetch_once(const uint8_t* at) { __builtin_prefetch(at, 0, 0); }

inline Codes load_codes(const uint8_t* from) {
  Codes out;
  each<kQuarters>(VISAVIS_BODY(i) { out.q[i] = vreinterpretq_s8_u8(vld1q_u8(from + 16 * i)); });
  return out;
}
inline void store_codes(uint8_t* to, const Codes& codes) {
  each<kQuarters>(VISAVIS_BODY(i) { vst1q_u8(to + 16 * i, vreinterpretq_u8_s8(codes.q[i])); });
}

struct Int4 {
  static constexpr int kOffset = 0;
  static constexpr int64_t kStepBytes = 64;
  static void load(const uint8_t* from, Codes& low, Codes& high) {
    const int8x16_t eight = vdupq_n_s8(8);
    each<kQuarters>(VISAVIS_BODY(i) {
      const uint8x16_t both = vld1q_u8(from + 16 * i);
      low.q[i] = vsubq_s8(vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15))), eight);
      high.q[i] = vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(both, 4)), eight);
    });
  }
};

struct Int8 {
  static constexpr int kOffset = 0;
  static constexpr int64_t kStepBytes = 128;
  static void load(const uint8_t* from, Codes& low, Codes& high) {
    low = load_codes(from);
    high = load_codes(from + 64);
  }
};

inline int8x16_t broadcast(const int8_t* activations) {
  int32_t four;
  __builtin_memcpy(&four, activations, sizeof(four));
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}
template <class Format>
inline Sums dot(const Sums& sums, const Codes& codes, int8x16_t activations) {
  Sums out;
  each<kQuarters>(VISAVIS_BODY(i) { out.q[i] = vdotq_s32(sums.q[i], codes.q[i], activations); });
  return out;
}

struct Eight {
  float32x4_t low, high;
};

inline Eight first8(const float* x, int64_t used) {
  if (used >= 8) return {vld1q_f32(x), vld1q_f32(x + 4)};
  float values[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int64_t i = 0; i < used; ++i) values[i] = x[i];
  return {vld1q_f32(values), vld1q_f32(values + 4)};
}

void quantize(const float* x, int64_t cols, int64_t padded, int64_t block, int8_t* codes,
              float* scales, int32_t* sums) {
  for (int64_t k = 0, g = 0; k < padded; k += block, ++g) {
    const int64_t end = k + block < padded ? k + block : padded;
    float32x4_t largest = vdupq_n_f32(0);
    for (int64_t i = k; i < end; i += 8) {
      const Eight values = first8(x + i, cols - i);
      largest = vmaxnmq_f32(largest, vmaxnmq_f32(vabsq_f32(values.low), vabsq_f32(values.high)));
    }
    const float size = vmaxnmvq_f32(largest);
    scales[g] = size > kTinyActivation ? size / 127.0f : 0.0f;
    const float inverse = size > kTinyActivation ? 127.0f / size : 0.0f;
    int32x4_t sum = vdupq_n_s32(0);
    for (int64_t i = k; i < end; i += 8) {
      const Eight values = first8(x + i, cols - i);
      const int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(values.low, inverse));
      const int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(values.high, inverse));
      sum = vaddq_s32(sum, vaddq_s32(low, high));
      vst1_s8(codes + i, vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high))));
    }
    sums[g] = vaddvq_s32(sum);
  }
}

}  // namespace
}  // namespace visavis::ops

#include "engine/ops/cpu/linear_dot_simd.inl"

namespace visavis::ops {
const DotSimd* dot_simd_neon() { return &kDotSimd; }
}  // namespace visavis::ops

#else

namespace visavis::ops {
const DotSimd* dot_simd_neon() { return nullptr; }
}  // namespace visavis::ops

#endif
