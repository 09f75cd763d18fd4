// How far two graders agree beyond chance. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/stats/intervals.h"

namespace visavis::stats {

/// One answer that both have put into a category (0, 1, ...).
struct Rated {
  int first = 0;
  int second = 0;
  int64_t cluster = 0;
};

struct Agreement {
  int64_t items = 0;
  double raw = 0;         // share that both put into the same category
  Interval raw_interval;  // Wilson's, at the effective number of items
  /// Cohen's kappa, (raw - by chance) / (1 - by chance); nothing if both use one and the same
  /// category for everything, since chance would then agree as well.
  std::optional<double> kappa;
  /// Of single items from the large-sample error of Fleiss, Cohen and Everitt (1969); of clusters
  /// percentiles of a bootstrap over clusters. Nothing without kappa or with fewer than two
  /// clusters.
  std::optional<Interval> kappa_interval;
};

/// `seed` is that of the bootstrap. Source: Cohen 1960.
Agreement agreement(std::span<const Rated> items, uint64_t seed, double confidence = 0.95);

/// The large-sample standard error of kappa for single items; nothing where kappa is nothing.
std::optional<double> kappa_error(std::span<const Rated> items);

}  // namespace visavis::stats
