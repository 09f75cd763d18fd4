// What judging models and people say about a run's answers, counted: pairs, rubrics, votes, and how
// far graders agree. Pure functions on the rows of a store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/stats/agreement.h"
#include "harness/stats/bradley_terry.h"
#include "harness/store/rows.h"
#include "harness/suites/suite.h"

namespace visavis::verdict {

/// A judge's verdicts on one model's answers. What could not be read or asked is counted beside
/// them, never as a zero.
struct Rubric {
  size_t model = 0;
  int64_t full = 0;
  int64_t partial = 0;
  int64_t wrong = 0;
  int64_t unparsed = 0;
  int64_t failed = 0;
};

/// A judge's verdicts on two models' answers, each pair of answers shown both ways round: a winner
/// is one that wins from either side, and two different verdicts are a tie.
struct JudgedPair {
  size_t first = 0;  // models
  size_t second = 0;
  int64_t first_wins = 0;
  int64_t second_wins = 0;
  int64_t ties = 0;          // inconsistent ones included
  int64_t inconsistent = 0;  // of the ties: the verdict went with the side
  int64_t unreadable = 0;    // questions with a reply that could not be read, or none
};

struct JudgeSummary {
  std::string judge;
  std::vector<Rubric> rubrics;
  std::vector<JudgedPair> pairs;
  std::optional<std::vector<stats::Strength>> strengths;  // of the pairs, by Bradley and Terry
  int64_t replies = 0;                                    // that were generated for this run
  int64_t unparsed = 0;
  int64_t failed = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  double seconds = 0;
  double token_cost = 0;
  bool token_cost_known = true;              // false: some replies have no price
  std::optional<suites::Titles> partiality;  // the judge is of one contestant's family alone
};

/// One summary for each judge that said something.
std::vector<JudgeSummary> summarise_judges(const store::RunData& run);

/// How far a person and another grader agree on the verdicts full, partial and wrong. What the
/// automatic grader could not read counts as wrong, as it does in the figures.
struct GraderAgreement {
  std::string who;     // the person
  std::string grader;  // "automatic", a grader's name, "judge NAME" or another person
  stats::Agreement agreement;
};

/// Every person against the automatic grades (all, then each grader), the judges and each other.
std::vector<GraderAgreement> agreements(const store::RunData& run);

struct Votes {
  int64_t votes = 0;
  int64_t people = 0;
  std::optional<std::vector<stats::Strength>> strengths;  // one per model
};

/// People's votes between two answers; of each person's votes on a pair the last one.
Votes count_votes(const store::RunData& run);

/// The verdict of each person on each answer that counts: the last one given.
std::vector<store::HumanVerdictRow> latest_verdicts(const store::RunData& run);

}  // namespace visavis::verdict
