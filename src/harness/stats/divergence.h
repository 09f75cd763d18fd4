// How far two models' predictions of the same next tokens are apart. Pure functions.
#pragma once

#include <span>

namespace visavis::stats {

/// Kullback-Leibler divergence of `model` from `reference`, in nats: the sum over tokens of
/// p_reference (log p_reference - log p_model). Both hold the log-probabilities of the whole
/// vocabulary; never negative.
double divergence(std::span<const float> reference, std::span<const float> model);

/// Whether both have the same likeliest token (the first of equal ones).
bool same_choice(std::span<const float> reference, std::span<const float> model);

/// How far rows of values are from those that they should be, summed up over several calls.
struct RelativeError {
  double squares = 0;  // of the differences
  double power = 0;    // squares of the reference

  /// Both of one size.
  void add(std::span<const float> reference, std::span<const float> model);
  /// Root-mean-square error in parts of the reference's root mean square; 0 of nothing.
  double value() const;
};

}  // namespace visavis::stats
