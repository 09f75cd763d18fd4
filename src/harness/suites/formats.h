// The seam for data set formats: one reader per file, one row in formats.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/suites/suite.h"

namespace visavis::suites {

struct Format {
  const char* name;
  bool (*accepts)(const std::filesystem::path& path);
  Suite (*read)(const std::filesystem::path& path);
};

const std::vector<Format>& formats();

/// Reads a suite with the first format that accepts the path, and checks that its ids are unique,
/// its scenarios known and its pictures present. Throws Error with file and line.
Suite load_suite(const std::filesystem::path& path);

/// The checks of load_suite() alone. Throws Error with file and line.
void check_suite(const Suite& suite);

/// The path of the suite that `name` means: an existing path (below `folder` if relative), or a
/// folder of that name in one of `libraries`; a path that no format accepts comes after those.
/// Throws Error that lists the known names.
std::filesystem::path find_suite(const std::string& name, const std::filesystem::path& folder,
                                 const std::vector<std::filesystem::path>& libraries);

}  // namespace visavis::suites
