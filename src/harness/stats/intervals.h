// Intervals and summaries of samples: pure functions on numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace visavis::stats {

struct Interval {
  double low = 0;
  double high = 0;
};

/// Wilson's score interval for a proportion of `successes` in `trials` at `confidence`; {0, 1}
/// without trials. Source: Wilson 1927.
Interval wilson(int64_t successes, int64_t trials, double confidence = 0.95);

/// The same of a share of `trials` that need not be whole (an effective number of items).
Interval wilson_share(double share, double trials, double confidence = 0.95);

/// The quantile of the standard normal distribution, 0 < p < 1.
double normal_quantile(double p);

/// The same of Student's t with `degrees` > 0 of freedom.
double student_quantile(double p, double degrees);

/// The p-quantile (0 .. 1) with linear interpolation (type 7, numpy's default); nothing for an
/// empty sample. The sample need not be sorted.
std::optional<double> percentile(std::span<const double> sample, double p);
std::optional<double> median(std::span<const double> sample);
std::optional<double> mean(std::span<const double> sample);

/// Interval for the p-quantile from order statistics: the two ranks nearest to each other whose
/// binomial probability reaches `confidence`; nothing if the sample is too small for that.
std::optional<Interval> percentile_interval(std::span<const double> sample, double p,
                                            double confidence = 0.95);

/// How many observations the maximum needs to be an upper bound of the p-quantile with that
/// confidence: the smallest n with 1 - p^n >= confidence.
int64_t observations_for_quantile(double p, double confidence = 0.99);

}  // namespace visavis::stats
