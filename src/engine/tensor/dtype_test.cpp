#include "engine/tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"

namespace visavis::tensor {
namespace {

bool is_nan(F16 half) { return (half.bits & 0x7C00) == 0x7C00 && (half.bits & 0x3FF) != 0; }

// The definition: (-1)^s * 2^(e - 15) * (1 + m / 1024), subnormals 2^-14 * m / 1024.
double half_by_formula(uint16_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  const int exponent = (bits >> 10) & 31;
  const double mantissa = bits & 1023;
  if (exponent == 31) return sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa / 1024.0, -14);
  return sign * std::ldexp(1.0 + mantissa / 1024.0, exponent - 15);
}

TEST(F16, EveryPatternReadsAsTheFormulaSays) {
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const F16 half{static_cast<uint16_t>(pattern)};
    if (is_nan(half)) {
      EXPECT_TRUE(std::isnan(to_float(half))) << pattern;
    } else {
      const float value = to_float(half);
      EXPECT_EQ(static_cast<double>(value), half_by_formula(half.bits)) << pattern;
      EXPECT_EQ(std::signbit(value), (pattern & 0x8000) != 0) << pattern;
    }
  }
}

TEST(F16, EveryPatternSurvivesTheRoundTrip) {
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const F16 half{static_cast<uint16_t>(pattern)};
    const F16 again = to_f16(to_float(half));
    if (is_nan(half))
      EXPECT_TRUE(is_nan(again)) << pattern;
    else
      EXPECT_EQ(again.bits, half.bits);
  }
}

TEST(F16, RoundsToNearestWithTiesToEvenBetweenAllNeighbours) {
  for (uint16_t lower = 0; lower < 0x7C00; ++lower) {
    const auto upper = static_cast<uint16_t>(lower + 1);
    // Infinity starts where the next value after 65504 would be: 65536.
    const double next = upper == 0x7C00 ? 65536.0 : half_by_formula(upper);
    const auto middle = static_cast<float>((half_by_formula(lower) + next) / 2);
    const uint16_t even = lower % 2 == 0 ? lower : upper;
    ASSERT_EQ(to_f16(middle).bits, even) << lower;
    ASSERT_EQ(to_f16(std::nextafter(middle, 0.0f)).bits, lower) << lower;
    ASSERT_EQ(to_f16(std::nextafter(middle, 1e9f)).bits, upper) << lower;
    ASSERT_EQ(to_f16(-middle).bits, even | 0x8000) << lower;
  }
}

TEST(F16, OverflowBecomesInfinity) {
  EXPECT_EQ(to_f16(1e30f).bits, 0x7C00);
  EXPECT_EQ(to_f16(-std::numeric_limits<float>::infinity()).bits, 0xFC00);
  EXPECT_EQ(to_f16(1e-30f).bits, 0);
}

TEST(Bf16, EveryPatternSurvivesTheRoundTrip) {
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const Bf16 value{static_cast<uint16_t>(pattern)};
    if (std::isnan(to_float(value)))
      EXPECT_TRUE(std::isnan(to_float(to_bf16(to_float(value))))) << pattern;
    else
      EXPECT_EQ(to_bf16(to_float(value)).bits, value.bits);
  }
}

TEST(Bf16, RoundsToNearestWithTiesToEven) {
  base::Rng rng(1);
  for (int i = 0; i < 100000; ++i) {
    const auto bits = static_cast<uint16_t>(rng.below(0x7F7F));
    const uint32_t low = static_cast<uint32_t>(bits) << 16;
    const uint16_t even = bits % 2 == 0 ? bits : static_cast<uint16_t>(bits + 1);
    ASSERT_EQ(to_bf16(std::bit_cast<float>(low + 0x8000)).bits, even);
    ASSERT_EQ(to_bf16(std::bit_cast<float>(low + 0x7FFF)).bits, bits);
    ASSERT_EQ(to_bf16(std::bit_cast<float>(low + 0x8001)).bits, bits + 1);
  }
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()).bits, 0x7F80);
}

TEST(DTypes, NamesAndSizesAreThoseOfTheCommandLine) {
  EXPECT_EQ(name_of(DType::bf16), "bf16");
  EXPECT_EQ(size_of(DType::bf16), 2);
  EXPECT_EQ(size_of(DType::f32), 4);
  EXPECT_EQ(size_of(DType::i64), 8);
  EXPECT_EQ(size_of(DType::boolean), 1);
}

}  // namespace
}  // namespace visavis::tensor
