// The answers of a run in forms that other programs read: one JSON object a line, and a table for
// spreadsheets. The report's files are made in report/.
#pragma once

#include <filesystem>
#include <string>

#include "harness/store/rows.h"

namespace visavis::store {

/// One JSON object per answer, in the order of items and models, everything about it included.
std::string answers_jsonl(const RunData& data);

/// RFC 4180, UTF-8, CRLF line ends, with a header row. A text that a spreadsheet would take for a
/// formula keeps its first character behind an apostrophe.
std::string answers_csv(const RunData& data);

/// Writes answers.jsonl and answers.csv into the folder.
void write_answers(const std::filesystem::path& folder, const RunData& data);

}  // namespace visavis::store
