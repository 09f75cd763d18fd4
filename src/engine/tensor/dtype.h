// Element types of tensors, and the two-byte floats as plain structs (g++ 12 has no __bf16).
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace visavis::tensor {

enum class DType { f32, f16, bf16, f64, i64, i32, i16, i8, u8, boolean, f8_e4m3, f8_e5m2 };

/// Bytes of one element.
int64_t size_of(DType dtype);
/// "f32", "bf16", ...: as on the command line.
std::string_view name_of(DType dtype);

struct Bf16 {
  uint16_t bits = 0;
};
struct F16 {
  uint16_t bits = 0;
};

inline float to_float(Bf16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}
inline float to_float(float value) { return value; }
float to_float(F16 value);

/// Rounds to nearest, ties to even; overflow becomes infinity; NaN stays NaN.
Bf16 to_bf16(float value);
F16 to_f16(float value);

}  // namespace visavis::tensor
