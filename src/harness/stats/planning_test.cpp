#include "harness/stats/planning.h"

#include <gtest/gtest.h>

#include <vector>

namespace visavis::stats {
namespace {

// Points that 50, 100 and 300 pairs can tell apart at a discordance of 20, 30 and 40 %.
TEST(DetectableDifference, GivesTheKnownTable) {
  EXPECT_NEAR(detectable_difference(0.2, 50), 0.177, 5e-4);
  EXPECT_NEAR(detectable_difference(0.3, 50), 0.217, 5e-4);
  EXPECT_NEAR(detectable_difference(0.4, 100), 0.177, 5e-4);
  EXPECT_NEAR(detectable_difference(0.2, 300), 0.072, 5e-4);
}

TEST(ItemsNeeded, AreSevenPointEightFiveVariancesOverTheSquaredDifference) {
  const double error = 0.05;  // of 100 items: variance 0.25
  EXPECT_NEAR(*items_needed(100, error, 0.1), 7.849 * 0.25 / 0.01, 0.1);
  EXPECT_FALSE(items_needed(100, error, 0));
}

TEST(Equivalent, NeedsTheWholeNinetyPercentIntervalInside) {
  const ClusteredMean known = {
      .mean = 0.01, .error = 0.02, .items = 400, .clusters = 400, .effective_clusters = 400};
  EXPECT_TRUE(equivalent(known, 0.05));   // 0.01 +- 0.033
  EXPECT_FALSE(equivalent(known, 0.04));  // reaches 0.0429
  EXPECT_FALSE(equivalent({.mean = 0, .items = 5, .clusters = 1}, 1));
}

TEST(Holm, CorrectsStepByStepAndKeepsTheOrder) {
  const std::vector<double> p = {0.04, 0.01, 0.03};
  const std::vector<double> corrected = holm(p);
  EXPECT_DOUBLE_EQ(corrected[1], 0.03);
  EXPECT_DOUBLE_EQ(corrected[2], 0.06);
  EXPECT_DOUBLE_EQ(corrected[0], 0.06);  // never below a smaller p's
  EXPECT_EQ(holm(std::vector<double>{0.9, 0.8}), (std::vector<double>{1, 1}));
}

}  // namespace
}  // namespace visavis::stats
