// Two models on the same questions: the exact McNemar test on fully right or not, the correction
// for several tests, and the outcome in words. Pure functions; report/ decides which questions go
// in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/suites/suite.h"

namespace visavis::verdict {

/// A text in the languages of reports.
using suites::Titles;

enum class Decision { first_better, second_better, undecided, cannot_decide };

struct PairResult {
  size_t first = 0;  // indices of the models
  size_t second = 0;
  int64_t both = 0;        // questions that both have a grade for
  int64_t only_first = 0;  // of them, fully right only with the first model
  int64_t only_second = 0;
  double p = 1;                  // exact, two-sided
  std::optional<double> p_holm;  // corrected for the family of tests it was made in
  Decision decision = Decision::undecided;
  std::optional<int64_t> more_items;  // about how many more would decide at this difference
};

/// Compares fully-right flags of the same questions. first_right.size() == second_right.size().
PairResult compare_pair(size_t first, size_t second, const std::vector<bool>& first_right,
                        const std::vector<bool>& second_right);

/// Holm's step-down correction over all given results, then their decisions at `alpha`.
/// With one result the corrected p is its own p.
void decide(std::span<PairResult*> family, double alpha);

/// More questions needed to detect the observed difference at 5 % with 80 % power:
/// 7.85 (discordance - difference^2) / difference^2, less those there are (Miller 2024). Nothing
/// when the difference is zero or enough are there.
std::optional<int64_t> more_items_needed(int64_t both, int64_t only_first, int64_t only_second);

/// "A is better (12 : 3 of 60, p = 0.035)." `labels` are the models' names.
Titles in_words(const PairResult& result, const std::vector<std::string>& labels);

}  // namespace visavis::verdict
