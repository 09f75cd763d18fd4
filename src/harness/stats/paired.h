// Tests on pairs: the same question answered by two models.
#pragma once

#include <cstdint>
#include <optional>

namespace visavis::stats {

/// Fewer discordant pairs can never reach p < 0.05, whichever way they fall.
inline constexpr int64_t kDecidableDiscordant = 6;

struct McNemar {
  int64_t only_first = 0;   // b: pairs that only the first model has right
  int64_t only_second = 0;  // c: pairs that only the second model has right
  double p = 1;             // exact, two-sided: decides
  double mid_p = 1;         // information only
  bool decidable = false;   // false: "cannot decide" at 0.05
};

/// Exact McNemar test: under the null hypothesis b is binomial with b + c trials of 1/2.
McNemar mcnemar(int64_t only_first, int64_t only_second);

/// P(X = k) and P(X <= k) for X binomial(n, p).
double binomial_pmf(int64_t k, int64_t n, double p);
double binomial_cdf(int64_t k, int64_t n, double p);

}  // namespace visavis::stats
