#include "harness/stats/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace visavis::stats {
namespace {

double average(std::span<const double> values) { return *mean(values); }

// Three clusters of one item: 27 equally likely samples, whose means can be listed.
TEST(ClusterBootstrap, ApproachesTheListOfAllSamples) {
  const std::vector<double> values = {0, 1, 5};
  std::vector<double> all;
  for (const double a : values)
    for (const double b : values)
      for (const double c : values) all.push_back((a + b + c) / 3);
  std::vector<ClusteredValue> items;
  for (size_t i = 0; i < 3; ++i)
    items.push_back({.value = values[i], .cluster = static_cast<int64_t>(i)});
  const auto found = cluster_bootstrap(items, average, 1, 20'000, 0.6);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->estimate, 2);
  EXPECT_NEAR(found->interval.low, *percentile(all, 0.2), 0.35);
  EXPECT_NEAR(found->interval.high, *percentile(all, 0.8), 0.35);
  // One of 27 samples is (0, 0, 0), none lies below: p is twice 1 / 27.
  EXPECT_NEAR(found->p, 2.0 / 27, 0.01);
}

TEST(ClusterBootstrap, KeepsTheItemsOfAClusterTogether) {
  std::vector<ClusteredValue> items;
  for (int64_t i = 0; i < 40; ++i)
    items.push_back({.value = i < 20 ? 0.0 : 1.0, .cluster = i / 10});
  const auto together = cluster_bootstrap(items, average, 1, 2000);
  for (size_t i = 0; i < items.size(); ++i) items[i].cluster = static_cast<int64_t>(i);
  const auto apart = cluster_bootstrap(items, average, 1, 2000);
  EXPECT_GT(together->interval.high - together->interval.low,
            2 * (apart->interval.high - apart->interval.low));
}

TEST(ClusterBootstrap, DrawsWithinStrata) {
  std::vector<ClusteredValue> items;
  for (int64_t i = 0; i < 20; ++i)
    items.push_back({.value = i < 10 ? 0.0 : 1.0, .cluster = i, .stratum = i / 10});
  const auto found = cluster_bootstrap(items, average, 1, 200);
  EXPECT_EQ(found->interval.low, 0.5);  // every sample has ten of each
  EXPECT_EQ(found->interval.high, 0.5);
}

TEST(ClusterBootstrap, OfOneClusterTellsNothing) {
  const std::vector<ClusteredValue> items = {{.value = 1}, {.value = 2}};
  EXPECT_FALSE(cluster_bootstrap(items, average, 1));
}

TEST(PairedRatio, IsTheMedianOfTheRatiosOnTheLogScale) {
  std::vector<double> first;
  std::vector<double> second;
  std::vector<int64_t> clusters(31);
  std::iota(clusters.begin(), clusters.end(), 0);
  for (int i = 0; i < 31; ++i) {
    second.push_back(1 + i);
    first.push_back((1 + i) * (i % 2 == 0 ? 2.0 : 2.2));
  }
  const auto found = paired_ratio(first, second, clusters, 1);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->estimate, 2, 1e-9);
  EXPECT_GE(found->interval.low, 2 - 1e-9);
  EXPECT_LE(found->interval.high, 2.2 + 1e-9);
}

}  // namespace
}  // namespace visavis::stats
