#include "harness/stats/agreement.h"

#include <algorithm>
#include <cmath>

#include "harness/stats/bootstrap.h"
#include "harness/stats/clustered.h"

namespace visavis::stats {
namespace {

constexpr int kBootstrapSamples = 2000;

// Shares of the items: cells[i][j], and of its rows and columns.
struct Table {
  std::vector<std::vector<double>> cells;
  std::vector<double> rows;
  std::vector<double> columns;
  double raw = 0;
  double by_chance = 0;
};

Table tabulate(std::span<const Rated> items) {
  int most = 0;
  for (const Rated& item : items) most = std::max({most, item.first, item.second});
  const auto size = static_cast<size_t>(most) + 1;
  Table table{std::vector(size, std::vector<double>(size)), std::vector<double>(size),
              std::vector<double>(size)};
  const double share = items.empty() ? 0 : 1 / static_cast<double>(items.size());
  for (const Rated& item : items) {
    const auto row = static_cast<size_t>(item.first);
    const auto column = static_cast<size_t>(item.second);
    table.cells[row][column] += share;
    table.rows[row] += share;
    table.columns[column] += share;
  }
  for (size_t i = 0; i < size; ++i) {
    table.raw += table.cells[i][i];
    table.by_chance += table.rows[i] * table.columns[i];
  }
  return table;
}

std::optional<double> kappa_of(const Table& table) {
  constexpr double kLeast = 1e-12;
  if (1 - table.by_chance < kLeast) return std::nullopt;
  return (table.raw - table.by_chance) / (1 - table.by_chance);
}

bool has_clusters(std::span<const Rated> items) {
  std::vector<int64_t> clusters;
  for (const Rated& item : items) clusters.push_back(item.cluster);
  std::sort(clusters.begin(), clusters.end());
  return std::adjacent_find(clusters.begin(), clusters.end()) != clusters.end();
}

std::optional<Interval> bootstrapped(std::span<const Rated> items, double kappa, uint64_t seed,
                                     double confidence) {
  // Both categories ride in one number.
  constexpr int kRadix = 1024;
  std::vector<ClusteredValue> values;
  for (const Rated& item : items)
    values.push_back({static_cast<double>(item.first * kRadix + item.second), item.cluster, 0});
  const auto found = cluster_bootstrap(
      values,
      [kappa](std::span<const double> drawn) {
        std::vector<Rated> sample;
        for (const double value : drawn) {
          const int both = static_cast<int>(value);
          sample.push_back({both / kRadix, both % kRadix, 0});
        }
        // A sample of one category says nothing; it stands where the whole does.
        return kappa_of(tabulate(sample)).value_or(kappa);
      },
      seed, kBootstrapSamples, confidence);
  return found ? std::optional(found->interval) : std::nullopt;
}

}  // namespace

std::optional<double> kappa_error(std::span<const Rated> items) {
  const Table table = tabulate(items);
  const std::optional<double> kappa = kappa_of(table);
  if (!kappa) return std::nullopt;
  const double left = 1 - *kappa;
  double on = 0;
  double off = 0;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const double own = 1 - (table.rows[i] + table.columns[i]) * left;
    on += table.cells[i][i] * own * own;
    for (size_t j = 0; j < table.rows.size(); ++j) {
      if (i == j) continue;
      const double sum = table.columns[i] + table.rows[j];
      off += table.cells[i][j] * sum * sum;
    }
  }
  const double rest = *kappa - table.by_chance * left;
  const double variance =
      (on + left * left * off - rest * rest) /
      (static_cast<double>(items.size()) * (1 - table.by_chance) * (1 - table.by_chance));
  return std::sqrt(std::max(0.0, variance));
}

Agreement agreement(std::span<const Rated> items, uint64_t seed, double confidence) {
  Agreement result;
  result.items = static_cast<int64_t>(items.size());
  if (items.empty()) return result;
  const Table table = tabulate(items);
  std::vector<double> same;
  std::vector<int64_t> clusters;
  for (const Rated& item : items) {
    same.push_back(item.first == item.second ? 1 : 0);
    clusters.push_back(item.cluster);
  }
  result.raw = table.raw;
  result.raw_interval = clustered_wilson(clustered_mean(same, clusters), confidence);
  result.kappa = kappa_of(table);
  if (!result.kappa) return result;
  if (has_clusters(items)) {
    result.kappa_interval = bootstrapped(items, *result.kappa, seed, confidence);
  } else if (items.size() > 1) {
    const double reach = normal_quantile(0.5 + confidence / 2) * *kappa_error(items);
    result.kappa_interval = {std::max(-1.0, *result.kappa - reach),
                             std::min(1.0, *result.kappa + reach)};
  }
  return result;
}

}  // namespace visavis::stats
