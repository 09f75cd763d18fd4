#include "engine/load/widen.h"

#include <bit>
#include <cassert>
#include <cstring>

namespace visavis::load {
namespace {

using tensor::DType;

// The loops below are free of branches so that compilers turn them into vector code.

bool widen_f32(const std::byte* stored, int64_t count, float* out) {
  std::memcpy(out, stored, static_cast<size_t>(count) * sizeof(float));
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i)
    bad |= (std::bit_cast<uint32_t>(out[i]) & 0x7F800000u) == 0x7F800000u ? 1u : 0u;
  return bad == 0;
}

bool widen_bf16(const std::byte* stored, int64_t count, float* out) {
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint16_t half;
    std::memcpy(&half, stored + 2 * i, 2);
    const uint32_t bits = static_cast<uint32_t>(half) << 16;
    bad |= (bits & 0x7F800000u) == 0x7F800000u ? 1u : 0u;
    out[i] = std::bit_cast<float>(bits);
  }
  return bad == 0;
}

// Exponent and mantissa moved to their places in a float are too small by 2^112; the product is
// exact, for subnormals too.
bool widen_f16(const std::byte* stored, int64_t count, float* out) {
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint16_t half;
    std::memcpy(&half, stored + 2 * i, 2);
    const uint32_t bits = half;
    bad |= (bits & 0x7C00u) == 0x7C00u ? 1u : 0u;
    const float small = std::bit_cast<float>((bits & 0x7FFFu) << 13);
    out[i] =
        std::bit_cast<float>(std::bit_cast<uint32_t>(small * 0x1.0p112f) | (bits & 0x8000u) << 16);
  }
  return bad == 0;
}

}  // namespace

bool is_weight_type(DType dtype) {
  return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16;
}

bool widen(DType dtype, const std::byte* stored, int64_t count, float* out) {
  assert(is_weight_type(dtype));
  if (dtype == DType::f32) return widen_f32(stored, count, out);
  if (dtype == DType::bf16) return widen_bf16(stored, count, out);
  return widen_f16(stored, count, out);
}

}  // namespace visavis::load
