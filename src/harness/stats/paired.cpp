#include "harness/stats/paired.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>

namespace visavis::stats {
namespace {

using Binomial = boost::math::binomial_distribution<double>;

}  // namespace

double binomial_pmf(int64_t k, int64_t n, double p) {
  if (k < 0 || k > n) return 0;
  return boost::math::pdf(Binomial(static_cast<double>(n), p), static_cast<double>(k));
}

double binomial_cdf(int64_t k, int64_t n, double p) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return boost::math::cdf(Binomial(static_cast<double>(n), p), static_cast<double>(k));
}

McNemar mcnemar(int64_t only_first, int64_t only_second) {
  McNemar test{only_first, only_second};
  const int64_t discordant = only_first + only_second;
  test.decidable = discordant >= kDecidableDiscordant;
  if (discordant == 0) return test;
  const int64_t fewer = std::min(only_first, only_second);
  const double tail = binomial_cdf(fewer, discordant, 0.5);
  test.p = std::min(1.0, 2 * tail);
  test.mid_p = std::min(1.0, 2 * tail - binomial_pmf(fewer, discordant, 0.5));
  return test;
}

}  // namespace visavis::stats
