#include "engine/load/widen.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

namespace visavis::load {
namespace {

using tensor::DType;

TEST(Widen, GivesEveryFinite16BitPatternItsValueAtAnyAlignment) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
      const auto bits = static_cast<uint16_t>(pattern);
      const float wanted = dtype == DType::f16 ? tensor::to_float(tensor::F16{bits})
                                               : tensor::to_float(tensor::Bf16{bits});
      std::byte odd[3];
      std::memcpy(odd + 1, &bits, 2);
      float got = 0;
      ASSERT_EQ(widen(dtype, odd + 1, 1, &got), std::isfinite(wanted)) << pattern;
      if (!std::isfinite(wanted)) continue;
      ASSERT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(wanted)) << pattern;
    }
  }
}

TEST(Widen, SeesOneBadValueAnywhereInARow) {
  std::vector<float> values(100, 1.0f);
  std::vector<float> out(values.size());
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  EXPECT_TRUE(widen(DType::f32, bytes, 100, out.data()));
  EXPECT_EQ(out, values);
  for (const size_t at : {size_t{0}, size_t{63}, size_t{99}}) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      values[at] = bad;
      EXPECT_FALSE(widen(DType::f32, bytes, 100, out.data()));
    }
    values[at] = 1.0f;
  }
}

TEST(Widen, ServesFloatsOfUpTo32Bits) {
  EXPECT_TRUE(is_weight_type(DType::bf16));
  EXPECT_FALSE(is_weight_type(DType::f64));
  EXPECT_FALSE(is_weight_type(DType::i8));
  EXPECT_FALSE(is_weight_type(DType::f8_e4m3));
}

}  // namespace
}  // namespace visavis::load
