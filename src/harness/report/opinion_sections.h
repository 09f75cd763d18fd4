// What judging models and people said, as sections of the report; empty blocks where nobody said
// anything.
#pragma once

#include <string>

#include "base/json.h"
#include "harness/report/results.h"
#include "harness/report/sections.h"

namespace visavis::report {

/// A judge's rubric and pairs, what it cost, and a warning if it is of one contestant's family.
Block judge_section(const Results& results, const std::string& lang);
/// How far people agree with the graders, what their verdicts change, and their votes.
Block people_section(const Results& results, const std::string& lang);

/// {"judges": [...], "agreement": [...], "overruled": [...], "votes": {...}} for summary.json.
base::Json opinions_json(const Results& results);

}  // namespace visavis::report
