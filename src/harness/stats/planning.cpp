#include "harness/stats/planning.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace visavis::stats {
namespace {

constexpr double kTwoSided = 0.975;
constexpr double kPower = 0.8;

}  // namespace

double detectable_difference(double error) {
  return (normal_quantile(kTwoSided) + normal_quantile(kPower)) * error;
}

double detectable_difference(double discordance, double items) {
  return detectable_difference(std::sqrt(discordance / items));
}

std::optional<double> items_needed(int64_t items, double error, double difference) {
  if (difference == 0 || items == 0) return std::nullopt;
  const double ratio = detectable_difference(error) / difference;
  return static_cast<double>(items) * ratio * ratio;
}

bool equivalent(const ClusteredMean& difference, double margin) {
  const auto interval = difference.interval(0.9);
  return interval && interval->low > -margin && interval->high < margin;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&p](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size());
  double most = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    most = std::max(most, p[order[i]] * static_cast<double>(p.size() - i));
    corrected[order[i]] = std::min(1.0, most);
  }
  return corrected;
}

}  // namespace visavis::stats
