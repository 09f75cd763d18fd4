#include "harness/stats/paired.h"

#include <gtest/gtest.h>

#include <cmath>

namespace visavis::stats {
namespace {

TEST(McNemar, NeedsSixDiscordantPairsToDecide) {
  EXPECT_FALSE(mcnemar(5, 0).decidable);
  EXPECT_NEAR(mcnemar(5, 0).p, 0.0625, 1e-12);
  EXPECT_NEAR(mcnemar(5, 0).mid_p, 0.03125, 1e-12);
  EXPECT_TRUE(mcnemar(6, 0).decidable);
  EXPECT_NEAR(mcnemar(6, 0).p, 0.03125, 1e-12);
  EXPECT_NEAR(mcnemar(0, 6).p, 0.03125, 1e-12);
}

// Agresti, Categorical Data Analysis, 1990: presidents' approval, 150 against 86.
TEST(McNemar, FindsTheShiftInTheTextbookSurvey) {
  const McNemar test = mcnemar(150, 86);
  EXPECT_GT(test.p, 3.0e-5);
  EXPECT_LT(test.p, 4.0e-5);
}

TEST(McNemar, OfBalancedPairsIsOne) {
  EXPECT_EQ(mcnemar(0, 0).p, 1);
  EXPECT_EQ(mcnemar(4, 4).p, 1);
  EXPECT_FALSE(mcnemar(0, 0).decidable);
}

TEST(McNemar, EqualsTheSumWrittenOut) {
  const auto choose = [](int n, int k) {
    return std::round(std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1)));
  };
  for (int b = 0; b <= 12; ++b) {
    for (int c = 0; c <= 12; ++c) {
      double tail = 0;
      for (int k = 0; k <= std::min(b, c); ++k) tail += choose(b + c, k);
      const double p = std::min(1.0, 2 * tail / std::pow(2, b + c));
      EXPECT_NEAR(mcnemar(b, c).p, p, 1e-9) << b << " against " << c;
    }
  }
}

TEST(Binomial, StaysInsideItsRange) {
  EXPECT_EQ(binomial_pmf(-1, 5, 0.5), 0);
  EXPECT_EQ(binomial_pmf(6, 5, 0.5), 0);
  EXPECT_EQ(binomial_cdf(-1, 5, 0.5), 0);
  EXPECT_EQ(binomial_cdf(5, 5, 0.5), 1);
  EXPECT_NEAR(binomial_pmf(2, 5, 0.5), 10.0 / 32, 1e-12);
}

}  // namespace
}  // namespace visavis::stats
