// How much a comparison can tell: smallest detectable differences, items needed, equivalence, and
// the correction for several tests. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/stats/clustered.h"

namespace visavis::stats {

/// The smallest true difference that a test at 5 % (two-sided) finds with 80 % probability when its
/// standard error is `error`: (z(0.975) + z(0.8)) * error.
double detectable_difference(double error);

/// The same of `items` independent pairs of which a share `discordance` differs.
double detectable_difference(double discordance, double items);

/// Items that would make `difference` detectable if more of them are like those measured with
/// `error`: items * (detectable_difference(error) / difference)^2. Nothing for no difference.
std::optional<double> items_needed(int64_t items, double error, double difference);

/// Two one-sided tests: whether the 90 % interval of the difference lies inside +-margin.
bool equivalent(const ClusteredMean& difference, double margin);

/// Holm's step-down correction: p values corrected for being one family, in the given order.
std::vector<double> holm(std::span<const double> p);

}  // namespace visavis::stats
