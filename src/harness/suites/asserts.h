// Promptfoo's assertions as parts of an answer key.
#pragma once

#include <string>

#include "harness/suites/document.h"
#include "harness/suites/suite.h"

namespace visavis::suites {

/// One assertion: type, value, weight, options (of a choice), full and partial (of facts). Throws
/// Error with file and line; an unknown type is named together with the known ones.
KeyPart read_assert(const Node& node, const std::string& file);

/// Puts the parts into the question: the only one as its grader and key, several under "all", none
/// as "shown".
void put_parts(std::vector<KeyPart> parts, Question& question);

}  // namespace visavis::suites
