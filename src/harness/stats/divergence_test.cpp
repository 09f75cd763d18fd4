#include "harness/stats/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace visavis::stats {
namespace {

std::vector<float> logs(std::vector<double> shares) {
  std::vector<float> out;
  for (const double share : shares) out.push_back(static_cast<float>(std::log(share)));
  return out;
}

// Cover and Thomas, Elements of Information Theory, example 2.3.1: r = 1/2, s = 1/4 give 0.2075
// bits one way and 0.1887 bits the other.
TEST(Divergence, OfTheTextbooksTwoCoins) {
  const double bit = std::log(2);
  EXPECT_NEAR(divergence(logs({0.5, 0.5}), logs({0.75, 0.25})), 0.2075 * bit, 1e-4 * bit);
  EXPECT_NEAR(divergence(logs({0.75, 0.25}), logs({0.5, 0.5})), 0.1887 * bit, 1e-4 * bit);
}

TEST(Divergence, OfEqualPredictionsIsNothing) {
  EXPECT_EQ(divergence(logs({0.1, 0.2, 0.7}), logs({0.1, 0.2, 0.7})), 0);
  const float never = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(divergence(std::vector<float>{0, never}, std::vector<float>{0, never}), 0);
}

TEST(SameChoice, LooksAtTheLikeliestTokenOnly) {
  EXPECT_TRUE(same_choice(logs({0.1, 0.9}), logs({0.4, 0.6})));
  EXPECT_FALSE(same_choice(logs({0.1, 0.9}), logs({0.6, 0.4})));
}

TEST(RelativeError, IsOfAllThatWasAdded) {
  RelativeError error;
  EXPECT_EQ(error.value(), 0);
  error.add(std::vector<float>{3, 4}, std::vector<float>{3, 5});
  EXPECT_DOUBLE_EQ(error.value(), 0.2);  // 1 of 25
  error.add(std::vector<float>{0, -5}, std::vector<float>{1, -5});
  EXPECT_DOUBLE_EQ(error.value(), 0.2);  // 2 of 50
}

}  // namespace
}  // namespace visavis::stats
