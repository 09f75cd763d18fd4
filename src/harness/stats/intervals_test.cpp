#include "harness/stats/intervals.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace visavis::stats {
namespace {

TEST(Wilson, GivesThePublishedIntervalsAtSeventyPercent) {
  EXPECT_NEAR(wilson(70, 100).low, 0.604, 5e-4);
  EXPECT_NEAR(wilson(70, 100).high, 0.781, 5e-4);
  EXPECT_NEAR(wilson(210, 300).low, 0.646, 5e-4);
  EXPECT_NEAR(wilson(210, 300).high, 0.749, 5e-4);
}

// Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81/263, 15/148, 0/20, 1/29.
TEST(Wilson, AgreesWithNewcombesTable) {
  EXPECT_NEAR(wilson(81, 263).low, 0.2553, 5e-5);
  EXPECT_NEAR(wilson(81, 263).high, 0.3662, 5e-5);
  EXPECT_NEAR(wilson(15, 148).low, 0.0624, 5e-5);
  EXPECT_NEAR(wilson(15, 148).high, 0.1605, 5e-5);
  EXPECT_NEAR(wilson(0, 20).low, 0, 1e-12);
  EXPECT_NEAR(wilson(0, 20).high, 0.1611, 5e-5);
  EXPECT_NEAR(wilson(1, 29).low, 0.0061, 5e-5);
  EXPECT_NEAR(wilson(1, 29).high, 0.1718, 5e-5);
}

TEST(Wilson, KnowsNothingWithoutTrials) {
  EXPECT_EQ(wilson(0, 0).low, 0);
  EXPECT_EQ(wilson(0, 0).high, 1);
}

TEST(Percentile, InterpolatesAsNumpyDoes) {
  const std::vector<double> sample = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(*percentile(sample, 0), 1);
  EXPECT_DOUBLE_EQ(*percentile(sample, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(*percentile(sample, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(*percentile(sample, 0.95), 3.85);
  EXPECT_DOUBLE_EQ(*percentile(sample, 1), 4);
  EXPECT_DOUBLE_EQ(*median(std::vector<double>{7}), 7);
  EXPECT_DOUBLE_EQ(*mean(sample), 2.5);
}

TEST(Percentile, OfNothingIsNothing) {
  EXPECT_FALSE(percentile({}, 0.5).has_value());
  EXPECT_FALSE(mean({}).has_value());
  EXPECT_FALSE(percentile_interval({}, 0.5).has_value());
}

// Hahn and Meeker, Statistical Intervals: the 95 % interval for the median of 100 observations lies
// between ranks 40 and 61 when symmetric; 20 ranks are enough for 0.95.
TEST(PercentileInterval, OfTheMedianOfAHundredSpansTwentyRanks) {
  std::vector<double> sample;
  for (int i = 1; i <= 100; ++i) sample.push_back(i);
  const auto interval = percentile_interval(sample, 0.5);
  ASSERT_TRUE(interval.has_value());
  EXPECT_EQ(interval->high - interval->low, 20);
  EXPECT_GE(interval->low, 40);
  EXPECT_LE(interval->high, 61);
}

TEST(PercentileInterval, IsAbsentWhenTheSampleIsTooSmall) {
  EXPECT_FALSE(percentile_interval(std::vector<double>{1, 2, 3, 4, 5}, 0.5).has_value());
  // 1 - 2 * 0.5^6 = 0.969: six observations are the least for a median.
  const auto six = percentile_interval(std::vector<double>{6, 5, 4, 3, 2, 1}, 0.5);
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->low, 1);
  EXPECT_EQ(six->high, 6);
}

TEST(PercentileInterval, CoversTheTrueMedianAsOftenAsItSays) {
  base::Rng rng(7);
  int covered = 0;
  for (int run = 0; run < 1000; ++run) {
    std::vector<double> sample;
    for (int i = 0; i < 40; ++i) sample.push_back(rng.uniform());
    const auto interval = percentile_interval(sample, 0.5);
    if (interval->low <= 0.5 && 0.5 <= interval->high) ++covered;
  }
  EXPECT_GE(covered, 935);
}

TEST(ObservationsForQuantile, AreThePublishedOnes) {
  EXPECT_EQ(observations_for_quantile(0.90), 44);
  EXPECT_EQ(observations_for_quantile(0.95), 90);
  EXPECT_EQ(observations_for_quantile(0.99), 459);
}

}  // namespace
}  // namespace visavis::stats
