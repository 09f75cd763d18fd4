// The project's own suite format: a folder with suite.yaml (titles, scenarios, generation) and a
// JSONL file of items.
#pragma once

#include <filesystem>
#include <string>

#include "harness/suites/suite.h"

namespace visavis::suites {

/// A folder that holds suite.yaml, or that file itself.
bool is_suite_folder(const std::filesystem::path& path);
Suite read_suite_folder(const std::filesystem::path& path);

/// Parses suite.yaml without reading its items; `tests` receives the name of the items' file.
/// Throws Error with file and line.
Suite parse_suite_yaml(const std::string& text, const std::string& file, std::string& tests);

}  // namespace visavis::suites
