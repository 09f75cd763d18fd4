// A part of a suite that stands for the whole.
#pragma once

#include <cstdint>

#include "harness/suites/suite.h"

namespace visavis::suites {

/// Keeps about `limit` questions in their order: of every scenario its share (rounded by largest
/// remainders, one at least while there is room), chosen by the seed; rotated copies stay together
/// and count as one. A suite that is no larger stays as it is; otherwise a note says what was left
/// out. `limit` is positive.
void take_sample(Suite& suite, int64_t limit, uint64_t seed);

}  // namespace visavis::suites
