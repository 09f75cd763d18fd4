// Means of scores whose items come in clusters (several questions about one picture): standard
// errors that do not take such items for independent ones. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "harness/stats/intervals.h"

namespace visavis::stats {

/// The mean of a sample and how well it is known.
struct ClusteredMean {
  double mean = 0;
  double naive_error = 0;  // sqrt(sum of squares / (n (n - 1))): as if all items were independent
  double error = 0;        // with clusters
  int64_t items = 0;
  int64_t clusters = 0;
  double effective_clusters =
      0;  // items^2 / sum of squared cluster sizes (Kish): as many equal ones

  /// Student's t with effective_clusters - 1 degrees of freedom.
  double critical(double confidence) const;
  /// mean +- critical * error; nothing with less than two clusters.
  std::optional<Interval> interval(double confidence = 0.95) const;
  /// Two-sided p of "the mean is zero"; 1 with less than two clusters or no spread around zero.
  double p_of_zero() const;
  /// How many independent items would be known as well: items * (naive / clustered error)^2, at
  /// most items; the number of clusters where no item differs from another.
  double effective_items() const;
};

/// `clusters` holds one number per value; equal numbers belong together. The error is the jackknife
/// over clusters: of the means that leave one cluster out. For single items it is the naive one;
/// for clusters of different sizes it is a little larger than the sandwich of Miller 2024 (arXiv
/// 2411.00640, eq. 4), whose test raised 7 % false alarms at a promised 5 % with 10 and 30 clusters
/// (false_alarms_test.cpp). Source: MacKinnon, Nielsen, Webb 2023 (CV3).
ClusteredMean clustered_mean(std::span<const double> values, std::span<const int64_t> clusters);

/// Wilson's interval for the share of a sample of 0 and 1 at its effective number of items.
Interval clustered_wilson(const ClusteredMean& share, double confidence = 0.95);

/// A ratio of two means of the same items (seconds to right answers), and how well it is known.
struct ClusteredRatio {
  double value = 0;
  Interval interval;
};

/// sum(above) / sum(below) with an interval that is symmetric on the log scale: the ratio's
/// linearisation (above - ratio * below) / mean(below) as a clustered mean. Nothing with less than
/// two clusters or unless both sums are positive. Source: Cochran 1977, chapter 6.
std::optional<ClusteredRatio> clustered_ratio(std::span<const double> above,
                                              std::span<const double> below,
                                              std::span<const int64_t> clusters,
                                              double confidence = 0.95);

}  // namespace visavis::stats
