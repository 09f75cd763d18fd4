// Two models that are equally good on average, compared again and again: how often is one of them
// called better? Each has its own luck with every cluster (a picture that it happens to read well),
// which is what makes tests that ignore clusters cry wolf.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "harness/stats/clustered.h"

namespace visavis::stats {
namespace {

constexpr int kRuns = 2000;
constexpr int kItemsPerCluster = 6;

struct Comparison {
  std::vector<double> differences;  // of scores 0 or 1
  std::vector<int64_t> clusters;
};

Comparison equal_models(base::Rng& rng, int64_t clusters) {
  Comparison result;
  for (int64_t cluster = 0; cluster < clusters; ++cluster) {
    const double first = rng.uniform();
    const double second = rng.uniform();
    const int items = 1 + static_cast<int>(rng.below(2 * kItemsPerCluster - 1));
    for (int i = 0; i < items; ++i) {
      const int a = rng.uniform() < first ? 1 : 0;
      const int b = rng.uniform() < second ? 1 : 0;
      result.differences.push_back(a - b);
      result.clusters.push_back(cluster);
    }
  }
  return result;
}

class FalseAlarms : public testing::TestWithParam<int64_t> {};

TEST_P(FalseAlarms, StayAtTheLevelThatWasPromised) {
  base::Rng rng(static_cast<uint64_t>(GetParam()), "equal models");
  int alarms = 0;
  int naive_alarms = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Comparison comparison = equal_models(rng, GetParam());
    const ClusteredMean found = clustered_mean(comparison.differences, comparison.clusters);
    alarms += found.p_of_zero() < 0.05 ? 1 : 0;
    naive_alarms += std::abs(found.mean) > 1.96 * found.naive_error ? 1 : 0;
  }
  RecordProperty("share", std::to_string(static_cast<double>(alarms) / kRuns));
  EXPECT_LE(alarms, 0.06 * kRuns);
  // The simulation is one that a naive test fails.
  EXPECT_GT(naive_alarms, 0.12 * kRuns);
}

INSTANTIATE_TEST_SUITE_P(Clusters, FalseAlarms, testing::Values(10, 30, 100));

}  // namespace
}  // namespace visavis::stats
