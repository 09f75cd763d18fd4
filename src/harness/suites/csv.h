// A folder of pictures with a CSV file of questions about them, as a spreadsheet writes it; or the
// CSV file alone.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "harness/suites/suite.h"

namespace visavis::suites {

/// A .csv file, or a folder that holds one.
bool is_csv(const std::filesystem::path& path);

/// Columns: question; image (a picture below the folder; several: separated by ';'); answer,
/// aliases (separated by ';'); A ... Z or options (separated by ';'); id, category, lang, cluster,
/// hint, grader. Separated by commas, semicolons or tabs, as the header says; UTF-8. Throws Error
/// with file and line for anything else.
Suite read_csv(const std::filesystem::path& path);

/// The same of a text that is the content of `file`.
Suite parse_csv(std::string_view text, const std::filesystem::path& file);

}  // namespace visavis::suites
