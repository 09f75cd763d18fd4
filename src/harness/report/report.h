// Writes a run's report files from its store. Answers themselves (answers.jsonl, answers.csv) are
// written beside them by answers.h.
#pragma once

#include <filesystem>
#include <string>

#include "harness/report/results.h"

namespace visavis::report {

/// Writes summary.json, report.md and report.html (one file, opens offline) into the folder, each
/// atomically. `lang` is "en" or "zh"; the page can switch. Throws Error.
void write_report(const Results& results, const std::filesystem::path& folder,
                  const std::string& lang);

/// The page as one HTML text.
std::string html_report(const Results& results, const std::string& lang);

}  // namespace visavis::report
