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

}  // namespace visavis::stats
