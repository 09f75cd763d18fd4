// The run as JUnit XML, which continuous integration reads: one suite per model, one case per
// question.
#pragma once

#include <string>

#include "harness/store/rows.h"

namespace visavis::report {

/// A fully right answer passes, any other graded one is a failure, one that failed an error; what
/// is not graded or not answered is skipped. Characters that XML cannot hold become U+FFFD.
std::string junit_xml(const store::RunData& run);

}  // namespace visavis::report
