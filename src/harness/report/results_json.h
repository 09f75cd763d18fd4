// Results as JSON: summary.json for other programs, and the same with questions, answers and
// pictures for the page.
#pragma once

#include "base/json.h"
#include "harness/report/results.h"

namespace visavis::report {

/// Everything computed: models, groups with cells and tests, recommendations, notes. Absent figures
/// are null.
base::Json summary_json(const Results& results);

/// summary_json plus "words", "lang", "items" and "pictures", which the page draws itself from.
base::Json page_json(const Results& results, const std::string& lang);

}  // namespace visavis::report
