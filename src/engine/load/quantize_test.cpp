#include "engine/load/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace visavis::load {
namespace {

using tensor::F16;
using tensor::to_float;

float gaussian(base::Rng& rng) {
  const double radius = std::sqrt(-2 * std::log(rng.uniform() + 1e-300));
  return static_cast<float>(radius * std::cos(6.283185307179586 * rng.uniform()));
}

std::vector<float> gaussian_row(uint64_t seed, size_t count, float sigma) {
  base::Rng rng(seed);
  std::vector<float> row(count);
  for (float& value : row) value = sigma * gaussian(rng);
  return row;
}

struct Int4Row {
  std::vector<uint8_t> codes;
  std::vector<F16> scales;
  bool fits = false;
};

Int4Row int4(const std::vector<float>& row, int64_t group, const FitKernel& kernel = fit_kernel()) {
  const auto count = static_cast<int64_t>(row.size());
  Int4Row out;
  out.codes.assign(static_cast<size_t>((count + 1) / 2), 0xEE);
  out.scales.resize(static_cast<size_t>((count + group - 1) / group));
  out.fits = quantize_int4_row(row, group, out.codes.data(), out.scales.data(), kernel);
  return out;
}

float value_of(const Int4Row& row, size_t i, int64_t group) {
  const int byte = row.codes[i / 2];
  const int code = i % 2 == 0 ? byte & 15 : byte >> 4;
  return static_cast<float>(code - 8) * to_float(row.scales[i / static_cast<size_t>(group)]);
}

double squared_error(const std::vector<float>& row, const Int4Row& coded, int64_t group) {
  double sum = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const double off = row[i] - value_of(coded, i, group);
    sum += off * off;
  }
  return sum;
}

// Squared error of one group with the best of 2000 scales of both signs, by plain search.
double best_error(const std::vector<float>& row) {
  float largest = 0;
  for (const float value : row) largest = std::max(largest, std::fabs(value));
  double best = INFINITY;
  for (int step = 0; step < 1000; ++step) {
    for (const float sign : {-1.0f, 1.0f}) {
      const float scale = sign * largest / 7 * (0.2f + static_cast<float>(step) * 0.0011f);
      double error = 0;
      for (const float value : row) {
        const float level = std::min(7.0f, std::max(-8.0f, std::nearbyint(value / scale)));
        const double off = value - level * scale;
        error += off * off;
      }
      best = std::min(best, error);
    }
  }
  return best;
}

double round_to_nearest_error(const std::vector<float>& row) {
  float largest = 0;
  for (const float value : row) largest = std::max(largest, std::fabs(value));
  double error = 0;
  for (const float value : row) {
    const double off = value - std::nearbyint(value / (largest / 7)) * (largest / 7);
    error += off * off;
  }
  return error;
}

TEST(Int4Search, IsWithinTwoPercentOfAnExhaustiveSearchOnEveryGroup) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    std::vector<float> row = gaussian_row(seed, 128, 0.02f);
    if (seed % 3 == 1) row[seed] *= 6;  // an outlier
    if (seed % 3 == 2)                  // heavy tails
      for (float& value : row) value = value * value * value * 1e4f;
    const double got = squared_error(row, int4(row, 128), 128);
    EXPECT_LT(got, 1.02 * best_error(row)) << seed;
    EXPECT_LT(got, round_to_nearest_error(row)) << seed;
  }
}

TEST(Int4Search, LosesNothingThatCountsOnWeightsAsTheyAre) {
  double got = 0;
  double best = 0;
  for (uint64_t seed = 100; seed < 400; ++seed) {
    const std::vector<float> row = gaussian_row(seed, 128, 0.02f);
    got += squared_error(row, int4(row, 128), 128);
    best += best_error(row);
  }
  EXPECT_LT(got, 1.003 * best) << std::sqrt(got / best);
}

TEST(Int4Search, EveryKernelGivesTheSameBits) {
  for (const FitKernel& kernel : fit_kernels()) {
    if (!kernel.supported()) continue;
    for (const size_t count : {size_t{1}, size_t{15}, size_t{128}, size_t{333}, size_t{4304}}) {
      for (const int64_t group : {32, 64, 128}) {
        const std::vector<float> row = gaussian_row(count, count, 0.05f);
        const Int4Row plain = int4(row, group, fit_kernels().back());
        const Int4Row fast = int4(row, group, kernel);
        EXPECT_EQ(fast.codes, plain.codes) << kernel.name;
        for (size_t g = 0; g < plain.scales.size(); ++g)
          EXPECT_EQ(fast.scales[g].bits, plain.scales[g].bits) << kernel.name;
      }
    }
  }
  EXPECT_EQ(fit_kernels().back().name, "plain");
  EXPECT_TRUE(fit_kernels().back().supported());
}

TEST(Int4Search, CodesAreTheNearestLevelsOfTheChosenScale) {
  const std::vector<float> row = gaussian_row(5, 301, 1.0f);  // odd, short last group
  const Int4Row coded = int4(row, 64);
  ASSERT_TRUE(coded.fits);
  for (size_t i = 0; i < row.size(); ++i) {
    const float scale = to_float(coded.scales[i / 64]);
    const float off = std::fabs(row[i] - value_of(coded, i, 64));
    for (int level = -8; level <= 7; ++level)
      EXPECT_LE(off, std::fabs(row[i] - static_cast<float>(level) * scale) * 1.00001f + 1e-7f);
  }
  EXPECT_EQ(coded.codes.back() >> 4, 8) << "padding is level 0";
}

TEST(Int4Search, ReproducesRowsThatAreOnTheGrid) {
  base::Rng rng(7);
  std::vector<float> row(256);
  for (float& value : row) value = 0.125f * static_cast<float>(static_cast<int>(rng.below(16)) - 8);
  row[3] = row[200] = -1.0f;
  const Int4Row coded = int4(row, 128);
  for (size_t i = 0; i < row.size(); ++i) EXPECT_EQ(value_of(coded, i, 128), row[i]);
}

TEST(Int4Search, ZerosAndVanishingValuesBecomeZero) {
  for (const float value : {0.0f, -0.0f, 1e-12f, 1e-38f, -1e-44f}) {
    const std::vector<float> row(40, value);
    const Int4Row coded = int4(row, 32);
    EXPECT_TRUE(coded.fits);
    for (size_t i = 0; i < row.size(); ++i) EXPECT_EQ(value_of(coded, i, 32), 0.0f);
  }
}

TEST(Int4Search, SaysWhenAValueIsTooLargeForTheScale) {
  std::vector<float> row(128, 0.01f);
  row[9] = 3e38f;
  EXPECT_FALSE(int4(row, 128).fits);
  row[9] = 1e5f;
  EXPECT_TRUE(int4(row, 128).fits);
}

TEST(Int8, IsNearestToTheValueWithOneScalePerGroupOrRow) {
  for (const int64_t group : {0, 128}) {
    const std::vector<float> row = gaussian_row(3, 300, 0.5f);
    std::vector<int8_t> codes(row.size());
    std::vector<F16> scales(group == 0 ? 1 : 3);
    ASSERT_TRUE(quantize_int8_row(row, group, codes.data(), scales.data()));
    for (size_t i = 0; i < row.size(); ++i) {
      const float scale = to_float(scales[group == 0 ? 0 : i / 128]);
      EXPECT_NEAR(row[i], static_cast<float>(codes[i]) * scale, 0.52f * scale);
    }
  }
}

TEST(Int8, HandlesZerosVanishingAndHugeValues) {
  std::vector<float> row(10, 0.0f);
  std::vector<int8_t> codes(10, 99);
  F16 scale;
  EXPECT_TRUE(quantize_int8_row(row, 0, codes.data(), &scale));
  EXPECT_EQ(codes[5], 0);
  row[5] = 1e-9f;
  EXPECT_TRUE(quantize_int8_row(row, 0, codes.data(), &scale));
  EXPECT_EQ(codes[5], 0);
  row[5] = 1e30f;
  EXPECT_FALSE(quantize_int8_row(row, 0, codes.data(), &scale));
}

}  // namespace
}  // namespace visavis::load
