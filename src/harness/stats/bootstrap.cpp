#include "harness/stats/bootstrap.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>

#include "base/rng.h"

namespace visavis::stats {
namespace {

using Cluster = std::vector<double>;
using Strata = std::map<int64_t, std::map<int64_t, Cluster>>;

Strata grouped(std::span<const ClusteredValue> items) {
  Strata strata;
  for (const ClusteredValue& item : items) strata[item.stratum][item.cluster].push_back(item.value);
  return strata;
}

}  // namespace

std::optional<Bootstrapped> cluster_bootstrap(std::span<const ClusteredValue> items,
                                              const Statistic& statistic, uint64_t seed,
                                              int samples, double confidence) {
  const Strata strata = grouped(items);
  std::vector<std::vector<const Cluster*>> pools;  // one per stratum
  size_t clusters = 0;
  for (const auto& [stratum, members] : strata) {
    auto& pool = pools.emplace_back();
    for (const auto& [cluster, values] : members) pool.push_back(&values);
    clusters += pool.size();
  }
  if (clusters < 2) return std::nullopt;

  std::vector<double> values;
  for (const ClusteredValue& item : items) values.push_back(item.value);
  Bootstrapped result{.estimate = statistic(values), .interval = {}};

  base::Rng rng(seed, "cluster bootstrap");
  std::vector<double> drawn;
  int64_t not_above = 0;
  int64_t not_below = 0;
  for (int i = 0; i < samples; ++i) {
    values.clear();
    for (const auto& pool : pools) {
      for (size_t k = 0; k < pool.size(); ++k) {
        const Cluster& chosen = *pool[rng.below(pool.size())];
        values.insert(values.end(), chosen.begin(), chosen.end());
      }
    }
    const double found = statistic(values);
    not_above += found <= 0 ? 1 : 0;
    not_below += found >= 0 ? 1 : 0;
    drawn.push_back(found);
  }
  const double tail = (1 - confidence) / 2;
  result.interval = {*percentile(drawn, tail), *percentile(drawn, 1 - tail)};
  result.p = std::min(1.0, 2.0 * static_cast<double>(1 + std::min(not_above, not_below)) /
                               static_cast<double>(samples + 1));
  return result;
}

std::optional<Bootstrapped> paired_ratio(std::span<const double> first,
                                         std::span<const double> second,
                                         std::span<const int64_t> clusters, uint64_t seed,
                                         int samples) {
  assert(first.size() == second.size() && first.size() == clusters.size());
  std::vector<ClusteredValue> logs;
  for (size_t i = 0; i < first.size(); ++i)
    if (first[i] > 0 && second[i] > 0)
      logs.push_back({.value = std::log(first[i] / second[i]), .cluster = clusters[i]});
  auto result = cluster_bootstrap(
      logs, [](std::span<const double> values) { return *median(values); }, seed, samples);
  if (!result) return std::nullopt;
  result->estimate = std::exp(result->estimate);
  result->interval = {std::exp(result->interval.low), std::exp(result->interval.high)};
  return result;
}

}  // namespace visavis::stats
