// Two runs against each other: the models that both have, on the questions that both answered.
#pragma once

#include <string>
#include <vector>

#include "harness/store/rows.h"
#include "harness/verdict/pairs.h"

namespace visavis::report {

/// One model of both runs. In `pair` the earlier run is the first.
struct ModelDifference {
  std::string label;
  verdict::PairResult pair;
  double before = 0;  // share of fully right answers among the paired questions
  double after = 0;
};

struct RunDifference {
  std::vector<ModelDifference> models;   // decided at the later run's alpha, corrected by Holm
  std::vector<std::string> only_before;  // labels
  std::vector<std::string> only_after;
  size_t changed_questions = 0;  // same id, but another text, key or pictures: left out

  /// Whether some model got worse beyond chance.
  bool regressed() const;
};

/// Questions are the same if suite, id, text, key, grader and pictures are. Throws Error if the
/// runs share no model or no question.
RunDifference difference(const store::RunData& before, const store::RunData& after);

}  // namespace visavis::report
