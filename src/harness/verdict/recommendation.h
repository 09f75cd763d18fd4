// Which model to take, by stated rules, with the reasons. First the limits that the user set, then
// accuracy if the test separates the models, then speed and memory if they agree and no model that
// does better is passed over by more than the margin. Otherwise it says that nothing is recommended
// and why.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/verdict/pairs.h"

namespace visavis::verdict {

/// What the rules look at for one model in one scenario.
struct Candidate {
  std::string label;
  double accuracy = 0;
  std::optional<double> e2e_p50;
  std::optional<double> e2e_p95;
  double peak_memory_bytes = 0;
  bool designed_for = true;  // false: several pictures in a question, never trained for that
};

struct Recommendation {
  Titles title;  // of the scenario
  std::optional<size_t> winner;
  Titles sentence;
  std::vector<Titles> reasons;
};

/// A difference of speed or memory counts only beyond this share.
inline constexpr double kClearlyLess = 0.95;

/// The user's say in the rules.
struct Rules {
  std::map<std::string, double> constraints;  // may hold "peak_memory_mib" and "p95_e2e_s"
  double margin = 0.05;  // accuracy that speed or memory may cost without a proven difference
};

/// `pairs` holds a decided result for every pair of candidates.
Recommendation recommend(const Titles& title, const std::vector<Candidate>& candidates,
                         const std::vector<PairResult>& pairs, const Rules& rules);

}  // namespace visavis::verdict
