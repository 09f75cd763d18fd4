// The seam for graders: one per file, one row in graders.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/completion.h"
#include "harness/graders/grade.h"
#include "harness/suites/suite.h"

namespace visavis::graders {

struct Grader {
  const char* name;
  /// What is wrong with the question's key for this grader, as a clause ("needs 'facts', which is
  /// absent"); empty if nothing.
  std::string (*problem)(const suites::Key& key);
  /// Grades a non-empty answer. Never throws.
  Grade (*grade)(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs);
};

const std::vector<Grader>& graders();

/// Throws Error that lists the known names.
const Grader& find_grader(std::string_view name);

/// Why a question with this key cannot be graded by that grader, in words; empty if it can.
std::string problem_of(std::string_view name, const suites::Key& key);

/// Throws Error that names the first question whose grader is unknown or whose key is incomplete.
void require_gradable(const suites::Suite& suite);

/// Grades whatever came back: a Failure is `failed`, an empty answer `unparsed`.
Grade grade(const suites::Question& question, bool scenario_graded, const chat::Outcome& outcome,
            const Cutoffs& cutoffs);

}  // namespace visavis::graders
