#include "harness/stats/goodness.h"

#include <boost/math/distributions/chi_squared.hpp>

#include <cassert>
#include <numeric>

namespace visavis::stats {

double chi_squared_p(std::span<const int64_t> observed, std::span<const int64_t> expected) {
  assert(observed.size() == expected.size());
  const auto total = [](std::span<const int64_t> counts) {
    return static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  };
  const double seen = total(observed);
  const double wanted = total(expected);
  if (seen == 0 || wanted == 0) return 1;
  double statistic = 0;
  int kinds = 0;
  for (size_t i = 0; i < observed.size(); ++i) {
    if (expected[i] == 0) {
      if (observed[i] > 0) return 0;
      continue;
    }
    const double fair = static_cast<double>(expected[i]) * seen / wanted;
    const double off = static_cast<double>(observed[i]) - fair;
    statistic += off * off / fair;
    ++kinds;
  }
  if (kinds < 2) return 1;
  const boost::math::chi_squared distribution(kinds - 1);
  return boost::math::cdf(boost::math::complement(distribution, statistic));
}

}  // namespace visavis::stats
