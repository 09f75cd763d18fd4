// Looking at a comparison several times while it goes on, without raising more false alarms than
// one look at its end: how small p must be at each look. Pure functions.
#pragma once

#include <span>
#include <vector>

namespace visavis::stats {

/// The level that each look's two-sided p must stay below, so that all looks together raise false
/// alarms with probability `alpha`. `fractions` say which share of all information each look has,
/// rising, above 0; the last one is the run's end, whatever its share, and may spend all that is
/// left. Little is spent early: O'Brien and Fleming's boundary by Lan and DeMets' spending function
/// 2 - 2 Phi(z(1 - alpha / 4) / sqrt(t)) on either side. Source: Lan, DeMets 1983; the integration
/// is Armitage, McPherson, Rowe 1969.
std::vector<double> nominal_levels(std::span<const double> fractions, double alpha);

}  // namespace visavis::stats
