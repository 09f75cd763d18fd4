#include "harness/stats/clustered.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"

namespace visavis::stats {
namespace {

std::vector<int64_t> apart(size_t count) {
  std::vector<int64_t> clusters;
  for (size_t i = 0; i < count; ++i) clusters.push_back(static_cast<int64_t>(i));
  return clusters;
}

TEST(ClusteredMean, OfSingleItemsIsTheUsualStandardError) {
  const std::vector<double> values = {1, 0, 1, 1, 0};
  const ClusteredMean found = clustered_mean(values, apart(5));
  EXPECT_DOUBLE_EQ(found.mean, 0.6);
  EXPECT_DOUBLE_EQ(found.error, std::sqrt(1.2 / (5 * 4)));
  EXPECT_DOUBLE_EQ(found.effective_items(), 5);
}

// Worked by hand: residuals +-0.5, two clusters of two equal items each.
TEST(ClusteredMean, OfEqualItemsInAClusterCountsClusters) {
  const ClusteredMean found =
      clustered_mean(std::vector<double>{1, 1, 0, 0}, std::vector<int64_t>{7, 7, 9, 9});
  EXPECT_DOUBLE_EQ(found.naive_error, std::sqrt(1.0 / 12));
  // Without a cluster the mean is 0 or 1, half a point off: sqrt((2 - 1) / 2 * (1/4 + 1/4)), as of
  // the two numbers 1 and 0.
  EXPECT_DOUBLE_EQ(found.error, 0.5);
  EXPECT_LT(found.effective_items(), 2);
}

TEST(ClusteredMean, UsesStudentsT) {
  const std::vector<double> values = {0.1, 0.3, 0.2, 0.6};
  const ClusteredMean found = clustered_mean(values, apart(4));
  EXPECT_NEAR(found.critical(0.95), 3.182446, 1e-6);  // t, 3 degrees of freedom
  // R: t.test(c(0.1, 0.3, 0.2, 0.6))$p.value is that of t = 2.7775.
  EXPECT_NEAR(found.mean / found.error, 2.7775, 1e-4);
  EXPECT_NEAR(found.p_of_zero(), 0.0692, 5e-4);
}

TEST(ClusteredMean, OfOneClusterTellsNothing) {
  const ClusteredMean found =
      clustered_mean(std::vector<double>{1, 0, 1}, std::vector<int64_t>{1, 1, 1});
  EXPECT_FALSE(found.interval());
  EXPECT_EQ(found.p_of_zero(), 1);
  EXPECT_EQ(clustered_mean({}, {}).items, 0);
}

TEST(ClusteredWilson, IsWilsonsForSingleItemsAndWiderForClusters) {
  std::vector<double> values;
  std::vector<int64_t> pairs;
  for (int64_t i = 0; i < 100; ++i) {
    values.push_back(i < 70 ? 1 : 0);
    pairs.push_back(i / 2);
  }
  const Interval alone = clustered_wilson(clustered_mean(values, apart(100)));
  const Interval usual = wilson(70, 100);
  EXPECT_NEAR(alone.low, usual.low, 1e-12);
  EXPECT_NEAR(alone.high, usual.high, 1e-12);
  const Interval clustered = clustered_wilson(clustered_mean(values, pairs));
  EXPECT_NEAR(clustered.low, wilson(35, 50).low, 0.005);  // twice each: as good as 50
  EXPECT_NEAR(clustered.high, wilson(35, 50).high, 0.005);
}

// All right: the spread says nothing about clusters, so each counts once.
TEST(ClusteredWilson, OfEqualItemsCountsClusters) {
  const std::vector<double> values(20, 1.0);
  std::vector<int64_t> clusters;
  for (int64_t i = 0; i < 20; ++i) clusters.push_back(i / 5);
  EXPECT_DOUBLE_EQ(clustered_wilson(clustered_mean(values, clusters)).low, wilson(4, 4).low);
}

TEST(ClusteredRatio, OfEqualItemsIsKnownExactly) {
  const auto found =
      clustered_ratio(std::vector<double>{2, 4}, std::vector<double>{1, 2}, apart(2));
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->value, 2);
  EXPECT_DOUBLE_EQ(found->interval.low, 2);
  EXPECT_DOUBLE_EQ(found->interval.high, 2);
}

TEST(ClusteredRatio, IsUnknownWithoutARightAnswerOrASecondCluster) {
  EXPECT_FALSE(clustered_ratio(std::vector<double>{2, 4}, std::vector<double>{0, 0}, apart(2)));
  EXPECT_FALSE(clustered_ratio(std::vector<double>{2, 4}, std::vector<double>{1, 0},
                               std::vector<int64_t>{3, 3}));
}

// Seconds between 1 and 3 (mean 2) of which a share of 0.6 pays: the true ratio is 10 / 3.
TEST(ClusteredRatio, CoversTheTrueRatioAsOftenAsItSays) {
  base::Rng rng(5);
  int covered = 0;
  constexpr int kRuns = 1000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> seconds;
    std::vector<double> right;
    for (int i = 0; i < 40; ++i) {
      seconds.push_back(1 + 2 * rng.uniform());
      right.push_back(rng.uniform() < 0.6 ? 1 : 0);
    }
    const auto found = clustered_ratio(seconds, right, apart(40));
    covered += found->interval.low <= 10.0 / 3 && 10.0 / 3 <= found->interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, 0.93 * kRuns);
  EXPECT_LE(covered, 0.98 * kRuns);
}

}  // namespace
}  // namespace visavis::stats
