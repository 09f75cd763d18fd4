#include "harness/stats/clustered.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

namespace visavis::stats {
namespace {

using StudentsT = boost::math::students_t_distribution<double>;

StudentsT distribution(const ClusteredMean& mean) {
  constexpr double kLeast = 1;  // of one huge cluster and some small ones
  return StudentsT(std::max(kLeast, mean.effective_clusters - 1));
}

}  // namespace

double ClusteredMean::critical(double confidence) const {
  const double p = 0.5 + confidence / 2;
  if (clusters < 2) return std::numeric_limits<double>::infinity();
  return boost::math::quantile(distribution(*this), p);
}

std::optional<Interval> ClusteredMean::interval(double confidence) const {
  if (clusters < 2) return std::nullopt;
  const double half = critical(confidence) * error;
  return Interval{mean - half, mean + half};
}

double ClusteredMean::p_of_zero() const {
  if (clusters < 2 || mean == 0) return 1;
  if (error == 0) return 0;
  const double t = std::abs(mean) / error;
  return 2 * boost::math::cdf(complement(distribution(*this), t));
}

double ClusteredMean::effective_items() const {
  const auto n = static_cast<double>(items);
  if (error == 0) return static_cast<double>(clusters);
  return std::min(n, n * naive_error * naive_error / (error * error));
}

ClusteredMean clustered_mean(std::span<const double> values, std::span<const int64_t> clusters) {
  assert(values.size() == clusters.size());
  ClusteredMean result;
  result.items = static_cast<int64_t>(values.size());
  if (values.empty()) return result;
  const auto n = static_cast<double>(values.size());
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;

  struct Cluster {
    double residuals = 0;  // summed
    double items = 0;
  };
  std::map<int64_t, Cluster> groups;
  double squares = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double residual = values[i] - result.mean;
    Cluster& group = groups[clusters[i]];
    group.residuals += residual;
    group.items += 1;
    squares += residual * residual;
  }
  result.clusters = static_cast<int64_t>(groups.size());
  if (result.clusters < 2) return result;
  result.naive_error = std::sqrt(squares / (n * (n - 1)));
  double sizes = 0;  // squared
  for (const auto& [id, group] : groups) sizes += group.items * group.items;
  result.effective_clusters = n * n / sizes;
  double moved = 0;  // squared, by leaving a cluster out
  for (const auto& [id, group] : groups) moved += std::pow(group.residuals / (n - group.items), 2);
  const auto count = static_cast<double>(groups.size());
  result.error = std::sqrt(moved * (count - 1) / count);
  return result;
}

Interval clustered_wilson(const ClusteredMean& share, double confidence) {
  if (share.items == 0) return {0, 1};
  return wilson_share(share.mean, share.effective_items(), confidence);
}

std::optional<ClusteredRatio> clustered_ratio(std::span<const double> above,
                                              std::span<const double> below,
                                              std::span<const int64_t> clusters,
                                              double confidence) {
  const double sum_above = std::accumulate(above.begin(), above.end(), 0.0);
  const double sum_below = std::accumulate(below.begin(), below.end(), 0.0);
  if (!(sum_above > 0) || !(sum_below > 0)) return std::nullopt;
  const double ratio = sum_above / sum_below;
  const double mean_below = sum_below / static_cast<double>(below.size());
  std::vector<double> deviations;
  for (size_t i = 0; i < above.size(); ++i)
    deviations.push_back((above[i] - ratio * below[i]) / mean_below);
  const ClusteredMean known = clustered_mean(deviations, clusters);
  if (known.clusters < 2) return std::nullopt;
  const double factor = std::exp(known.critical(confidence) * known.error / ratio);
  return ClusteredRatio{.value = ratio, .interval = {ratio / factor, ratio * factor}};
}

}  // namespace visavis::stats
