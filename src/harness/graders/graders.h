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
  /// What the question's key lacks for this grader, in words; empty if nothing.
  std::string (*missing)(const suites::Key& key);
  /// Grades a non-empty answer. Never throws.
  Grade (*grade)(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs);
};

const std::vector<Grader>& graders();

/// Throws Error that lists the known names.
const Grader& find_grader(std::string_view name);

/// Throws Error that names the first question whose grader is unknown or whose key is incomplete.
void require_gradable(const suites::Suite& suite);

/// Grades whatever came back: a Failure is `failed`, an empty answer `unparsed`.
Grade grade(const suites::Question& question, bool scenario_graded, const chat::Outcome& outcome,
            const Cutoffs& cutoffs);

}  // namespace visavis::graders
