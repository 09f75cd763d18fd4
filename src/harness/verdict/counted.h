// What counts of each answer: the automatic grade, or what people say instead.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/store/rows.h"

namespace visavis::verdict {

/// The grades in the order of run.grades. Where people judged an answer, their verdict stands in
/// place of the automatic one: each person's last; of several people what most say, and of what
/// equally many say what was said last. Scores 1, 0.5 and 0. A failure stays one. Such a row's
/// grader is "people".
std::vector<store::GradeRow> counted_grades(const store::RunData& run);

/// What people's verdicts change in one model's figures.
struct Overruling {
  size_t model = 0;
  int64_t judged = 0;   // answers that count as people say
  int64_t changed = 0;  // of them, those that were graded otherwise
  int64_t graded = 0;   // answers with an automatic grade, in graded scenarios
  int64_t full = 0;     // of them, those that it calls right
};

/// One row for each model with such an answer. `counted` belongs to `run`.
std::vector<Overruling> overrulings(const store::RunData& run,
                                    const std::vector<store::GradeRow>& counted);

}  // namespace visavis::verdict
