// Whether counts are as expected. Pure functions.
#pragma once

#include <cstdint>
#include <span>

namespace visavis::stats {

/// Pearson's chi-squared test of `observed` counts against `expected` ones, which are scaled to the
/// same total: the probability of counts at least as far off. 1 if there are fewer than two kinds
/// that are expected, or nothing was observed; 0 if something was that cannot be. As long as each
/// other.
double chi_squared_p(std::span<const int64_t> observed, std::span<const int64_t> expected);

}  // namespace visavis::stats
