// Sentences about the run itself: what weakens the figures, and how they came about.
#pragma once

#include <vector>

#include "harness/report/results.h"

namespace visavis::report {

/// What a reader must know before believing the figures: a run that was cut short, questions that
/// share pictures, failures, small samples, a missing price.
std::vector<Titles> reader_notes(const Results& results);

/// Seeds, order, warm-up, definitions, cut-offs, machine and build.
std::vector<Titles> method_notes(const Results& results);

}  // namespace visavis::report
