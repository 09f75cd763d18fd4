#include "harness/stats/intervals.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <numeric>

#include "harness/stats/paired.h"

namespace visavis::stats {

double normal_quantile(double p) {
  return boost::math::quantile(boost::math::normal_distribution<double>(), p);
}

double student_quantile(double p, double degrees) {
  return boost::math::quantile(boost::math::students_t_distribution<double>(degrees), p);
}

Interval wilson(int64_t successes, int64_t trials, double confidence) {
  assert(successes >= 0 && successes <= trials);
  if (trials == 0) return {0, 1};
  const auto n = static_cast<double>(trials);
  return wilson_share(static_cast<double>(successes) / n, n, confidence);
}

Interval wilson_share(double share, double trials, double confidence) {
  const double n = trials;
  const double z = normal_quantile(0.5 + confidence / 2);
  const double z2 = z * z;
  const double centre = share + z2 / (2 * n);
  const double half = z * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
  const double scale = 1 + z2 / n;
  return {std::max(0.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

std::optional<double> percentile(std::span<const double> sample, double p) {
  if (sample.empty()) return std::nullopt;
  std::vector<double> sorted(sample.begin(), sample.end());
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = rank - static_cast<double>(below);
  return sorted[below] + part * (sorted[above] - sorted[below]);
}

std::optional<double> median(std::span<const double> sample) { return percentile(sample, 0.5); }

std::optional<double> mean(std::span<const double> sample) {
  if (sample.empty()) return std::nullopt;
  return std::accumulate(sample.begin(), sample.end(), 0.0) / static_cast<double>(sample.size());
}

std::optional<Interval> percentile_interval(std::span<const double> sample, double p,
                                            double confidence) {
  const auto n = static_cast<int64_t>(sample.size());
  std::vector<double> sorted(sample.begin(), sample.end());
  std::sort(sorted.begin(), sorted.end());
  // P(X_(l) <= quantile < X_(u)) = sum of the pmf from l to u - 1, ranks counted from 1.
  int64_t best_low = 0;
  int64_t best_high = 0;
  double covered = 0;
  int64_t high = 1;
  for (int64_t low = 1; low < n; ++low) {
    if (high < low) high = low;
    while (high < n && covered < confidence) covered += binomial_pmf(high++, n, p);
    if (covered < confidence) break;
    if (best_high == 0 || high - low < best_high - best_low) {
      best_low = low;
      best_high = high;
    }
    covered -= binomial_pmf(low, n, p);
  }
  if (best_high == 0) return std::nullopt;
  return Interval{sorted[static_cast<size_t>(best_low - 1)],
                  sorted[static_cast<size_t>(best_high - 1)]};
}

int64_t observations_for_quantile(double p, double confidence) {
  assert(p > 0 && p < 1);
  return static_cast<int64_t>(std::ceil(std::log(1 - confidence) / std::log(p)));
}

}  // namespace visavis::stats
