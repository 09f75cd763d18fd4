// The recommendations of a report: verdict/recommendation.h asked for every scenario and use.
#pragma once

#include <vector>

#include "harness/report/results.h"

namespace visavis::report {

/// One for all questions, each graded scenario and each use (verdict/profiles.h) that the run has
/// questions of.
std::vector<verdict::Recommendation> make_recommendations(const Results& results);

}  // namespace visavis::report
