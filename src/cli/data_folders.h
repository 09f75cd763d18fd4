// Where the data that comes with visavis lies: in the current folder, in the source tree the
// program was built in, or where it was installed; and where it may keep its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hub/catalogue.h"

namespace visavis::cli {

/// The existing folders called `name` ("suites", "models") in order of preference: below the
/// current folder, below each parent of the program's folder, below ../share/visavis of the
/// program.
std::vector<std::filesystem::path> data_folders(const std::string& name);

/// Where packed weights are kept unless told otherwise: $XDG_CACHE_HOME/visavis or
/// ~/.cache/visavis; empty if neither is known.
std::filesystem::path user_cache_folder();

/// Where models are; they are to run on a card if this machine has one.
hub::Places model_places();

}  // namespace visavis::cli
