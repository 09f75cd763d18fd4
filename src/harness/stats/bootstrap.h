// The bootstrap over clusters: intervals for any statistic of items that come in clusters. Seeded:
// the same call gives the same numbers on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "harness/stats/intervals.h"

namespace visavis::stats {

/// One item of a paired comparison.
struct ClusteredValue {
  double value = 0;
  int64_t cluster = 0;
  int64_t stratum = 0;  // clusters are drawn again within their stratum
};

struct Bootstrapped {
  double estimate = 0;
  Interval interval;  // percentiles
  double p = 1;       // two-sided, of zero: 2 min(1 + #(<= 0), 1 + #(>= 0)) / (samples + 1)
};

/// A statistic of a resampled list of values.
using Statistic = std::function<double(std::span<const double> values)>;

/// Draws whole clusters with replacement, as many per stratum as there are. Nothing with less than
/// two clusters.
std::optional<Bootstrapped> cluster_bootstrap(std::span<const ClusteredValue> items,
                                              const Statistic& statistic, uint64_t seed,
                                              int samples = 10'000, double confidence = 0.95);

/// Ratio of two paired positive quantities (seconds of the same question): the exponential of the
/// median of log(first / second), with its bootstrap interval.
std::optional<Bootstrapped> paired_ratio(std::span<const double> first,
                                         std::span<const double> second,
                                         std::span<const int64_t> clusters, uint64_t seed,
                                         int samples = 10'000);

}  // namespace visavis::stats
