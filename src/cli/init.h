// The work of `visavis init` behind its command line, so that tests can call it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace visavis::cli {

/// Writes questions.csv (a row per picture of the folder, to be filled in) and experiment.yaml into
/// the folder; `models` are separated by commas. Returns the number of pictures. Throws Error if
/// there is no picture, or a file that would be overwritten.
size_t init_experiment(const std::filesystem::path& folder, const std::string& lang,
                       const std::string& models);

}  // namespace visavis::cli
