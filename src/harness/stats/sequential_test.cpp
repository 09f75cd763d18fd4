#include "harness/stats/sequential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "harness/stats/clustered.h"
#include "harness/stats/intervals.h"

namespace visavis::stats {
namespace {

// Two-sided boundaries of five equal looks at 5 % as the tables of the spending function give them
// (Lan and DeMets' program; R's ldbounds and gsDesign print the same).
TEST(NominalLevels, AreThePublishedBoundaries) {
  const std::vector<double> fractions = {0.2, 0.4, 0.6, 0.8, 1.0};
  const std::vector<double> published = {4.8769, 3.3569, 2.6803, 2.2898, 2.0310};
  const std::vector<double> levels = nominal_levels(fractions, 0.05);
  ASSERT_EQ(levels.size(), 5u);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_NEAR(normal_quantile(1 - levels[i] / 2), published[i], 2e-3) << i;
}

TEST(NominalLevels, OfOneLookIsAlphaItself) {
  const std::vector<double> end = {1.0};
  EXPECT_NEAR(nominal_levels(end, 0.05)[0], 0.05, 1e-6);
  const std::vector<double> early_end = {0.3};
  EXPECT_NEAR(nominal_levels(early_end, 0.05)[0], 0.05, 1e-6)
      << "a run that ends early for other reasons may spend everything";
}

TEST(NominalLevels, SpendTheRestAtAnEarlyEnd) {
  const std::vector<double> fractions = {0.2, 0.4, 0.5};
  const std::vector<double> levels = nominal_levels(fractions, 0.05);
  EXPECT_LT(levels[0], 1e-5);
  EXPECT_GT(levels[2], 0.045);
  EXPECT_LT(levels[2], 0.05);
}

constexpr int kRuns = 2000;
constexpr int kItemsPerCluster = 6;

class SequentialFalseAlarms : public testing::TestWithParam<int64_t> {};

// Two models that are equally good, looked at five times in the order of a real run: the questions
// of a cluster are spread over all of it.
TEST_P(SequentialFalseAlarms, StayAtTheLevelThatWasPromised) {
  base::Rng rng(static_cast<uint64_t>(GetParam()), "looks");
  const std::vector<double> fractions = {0.2, 0.4, 0.6, 0.8, 1.0};
  const std::vector<double> levels = nominal_levels(fractions, 0.05);
  int alarms = 0;
  int naive_alarms = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<std::pair<double, int64_t>> items;
    for (int64_t cluster = 0; cluster < GetParam(); ++cluster) {
      const double first = rng.uniform();
      const double second = rng.uniform();
      const int count = 1 + static_cast<int>(rng.below(2 * kItemsPerCluster - 1));
      for (int i = 0; i < count; ++i) {
        const int a = rng.uniform() < first ? 1 : 0;
        const int b = rng.uniform() < second ? 1 : 0;
        items.emplace_back(a - b, cluster);
      }
    }
    rng.shuffle(items);
    std::vector<double> values;
    std::vector<int64_t> clusters;
    bool alarm = false;
    bool naive_alarm = false;
    for (size_t look = 0; look < fractions.size(); ++look) {
      const auto end = static_cast<size_t>(
          std::ceil(fractions[look] * static_cast<double>(items.size()) - 1e-9));
      while (values.size() < end) {
        values.push_back(items[values.size()].first);
        clusters.push_back(items[clusters.size()].second);
      }
      const double p = clustered_mean(values, clusters).p_of_zero();
      alarm = alarm || p < levels[look];
      naive_alarm = naive_alarm || p < 0.05;
    }
    alarms += alarm ? 1 : 0;
    naive_alarms += naive_alarm ? 1 : 0;
  }
  RecordProperty("share", std::to_string(static_cast<double>(alarms) / kRuns));
  EXPECT_LE(alarms, 0.06 * kRuns);
  EXPECT_GE(alarms, 0.01 * kRuns) << "and are not bought with blindness";
  // Looking five times at 5 % is what must not be done.
  EXPECT_GT(naive_alarms, 0.08 * kRuns);
}

INSTANTIATE_TEST_SUITE_P(Clusters, SequentialFalseAlarms, testing::Values(10, 30, 100));

}  // namespace
}  // namespace visavis::stats
