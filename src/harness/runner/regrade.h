// Grades stored answers again, with the graders of this program and the keys and cut-offs that are
// stored: no answer is generated.
#pragma once

#include <vector>

#include "harness/store/rows.h"

namespace visavis::runner {

/// A grade for every answer of the run, in its order. Throws Error for a grader that is unknown.
std::vector<store::GradeRow> grade_again(const store::RunData& run);

}  // namespace visavis::runner
