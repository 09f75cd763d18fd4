// Circular evaluation (MMBench): a multiple-choice question is asked once per rotation of its
// options, and counts as right only if every rotation is answered right.
#pragma once

#include "harness/suites/suite.h"

namespace visavis::suites {

/// What VLMEvalKit adds to the index of a rotated copy of a row, once per rotation.
inline constexpr int64_t kRotation = 1'000'000;

/// Adds the rotated copies of every multiple-choice question that has none: k options become k
/// questions in one cluster. The k-th copy of a question with a whole number for an id is called
/// id + k 1,000,000 as in VLMEvalKit's files, of another one "id~k". Throws Error if there is no
/// such question or an id is taken.
void add_rotations(Suite& suite);

}  // namespace visavis::suites
