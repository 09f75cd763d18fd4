// Two models on the same questions: the test on fully right or not (McNemar's exact one, or the
// clustered one where questions share a source), the correction for several tests, equivalence, and
// the outcome in words. Pure functions; report/ decides which questions go in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/stats/clustered.h"
#include "harness/suites/suite.h"

namespace visavis::verdict {

/// A text in the languages of reports.
using suites::Titles;

enum class Decision { first_better, second_better, equivalent, undecided, cannot_decide };

/// One question that both models have a grade for.
struct PairedItem {
  bool first_right = false;  // fully
  bool second_right = false;
  double first_score = 0;  // 0 .. 1
  double second_score = 0;
  int64_t cluster = 0;  // questions about the same source share it
};

struct PairResult {
  size_t first = 0;  // indices of the models
  size_t second = 0;
  int64_t both = 0;        // questions that both have a grade for
  int64_t only_first = 0;  // of them, fully right only with the first model
  int64_t only_second = 0;
  int64_t clusters = 0;  // groups of questions about the same source
  int64_t discordant_clusters = 0;
  stats::ClusteredMean difference = {};        // of fully right, first less second
  stats::ClusteredMean score_difference = {};  // of scores
  // Two-sided: McNemar's exact test; if clustered() the larger of it and that of `difference`,
  // since the first ignores clusters and the second is an approximation that is poor for few
  // questions.
  double p = 1;
  std::optional<double> p_holm;  // corrected for the family of tests it was made in
  Decision decision = Decision::undecided;
  std::optional<int64_t> more_items;  // about how many more would decide at this difference

  bool clustered() const { return clusters < both; }
};

PairResult compare_pair(size_t first, size_t second, std::span<const PairedItem> items);

/// Holm's step-down correction over all given results, then their decisions at `alpha`: better, or
/// equivalent if the 90 % interval of the difference lies within +-margin, else undecided. Fewer
/// than six discordant questions (or groups of them) can never decide.
void decide(std::span<PairResult*> family, double alpha, double margin);

/// "A is better (12 : 3 of 60, p = 0.035)." `labels` are the models' names.
Titles in_words(const PairResult& result, const std::vector<std::string>& labels);

}  // namespace visavis::verdict
