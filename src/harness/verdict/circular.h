// Circular evaluation: what rotating the options of multiple-choice questions tells about a model:
// how often it is right in every rotation, and whether it likes some letters better than others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/store/rows.h"

namespace visavis::verdict {

struct Circular {
  int64_t groups = 0;           // questions of which every rotation is answered
  int64_t plain = 0;            // of these, right as they were written
  int64_t every = 0;            // of these, right in every rotation
  double chance = 0;            // share that guessing gets right in every rotation: mean of k^-k
  std::vector<int64_t> chosen;  // how often A, B, ... was chosen
  std::vector<int64_t> gold;    // how often it was right
  double position_p = 1;        // of the letters being chosen as often as they are right
};

/// One per model, in their order; empty if the run has no rotated questions. Only groups with as
/// many answered rotations as options count, so that a run that was stopped is judged fairly.
std::vector<Circular> circular_results(const store::RunData& run);

/// The same as sentences for the report.
std::vector<suites::Titles> circular_notes(const store::RunData& run);

}  // namespace visavis::verdict
