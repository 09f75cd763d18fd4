// Whether a run that may stop as soon as it is decided is so already: looks at the answers at fixed
// shares of all questions, by a test that allows for looking several times.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/store/rows.h"

namespace visavis::runner {

/// The shares of all questions at which a run is looked at.
inline constexpr double kLooks[] = {0.2, 0.4, 0.6, 0.8, 1.0};

/// Whether a look is due between `before` and `after` answered questions of `planned`, the end
/// itself not counted.
bool look_is_due(int64_t before, int64_t after, int64_t planned);

/// Whether the look that is due last after `answered` questions decides about every pair of models:
/// one is better, or the interval of the look lies within +-margin. The look sees exactly the
/// questions of its share, so that it comes out the same after a resume. Levels are divided among
/// pairs.
bool is_decided(const store::RunData& run, int64_t answered, int64_t planned);

/// What p must stay below in the report of a run that ended after `answered` questions, by a look's
/// decision or for another reason.
double level_at_end(double alpha, int64_t answered, int64_t planned, bool decided);

}  // namespace visavis::runner
