// How fast models are against each other: ratios of the same questions' times, and the track of
// equal lengths.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/stats/bootstrap.h"
#include "harness/store/rows.h"

namespace visavis::report {

/// Seconds of the whole answer: the median over questions of first / second, with its interval.
struct PairSpeed {
  size_t first = 0;
  size_t second = 0;
  int64_t items = 0;  // that both answered
  stats::Bootstrapped ratio;
};

/// One model's answers on the track of equal lengths. Medians in seconds.
struct FixedLength {
  int64_t asked = 0;
  int64_t failed = 0;
  int64_t tokens = 0;  // of every answer
  std::optional<double> ttft, tpot, e2e;
  std::optional<double> tokens_per_second;      // of generation
  std::optional<double> characters_per_second;  // all characters over all seconds
};

/// `answers[model][item]`, null where there is none; `clusters` of each item. Pairs that share no
/// second group of questions are left out.
std::vector<PairSpeed> compare_speeds(
    const std::vector<std::vector<const store::AnswerRow*>>& answers,
    const std::vector<int64_t>& clusters, const std::vector<size_t>& items, uint64_t seed);

FixedLength fixed_length_of(const store::RunData& run, int64_t model);

}  // namespace visavis::report
