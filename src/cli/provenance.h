// Facts that a run keeps about where and how it was made.
#pragma once

#include <string>
#include <vector>

namespace visavis::cli {

/// The machine as JSON: processor, memory, system, cards with driver and clocks.
std::string machine_json();

/// The program, the command that started it and, if it was given one, the experiment file's text.
std::string build_json(const std::string& experiment_text);

/// Remembers the folder of a run for `visavis plan`, below the user's cache folder; does nothing
/// where there is none.
void remember_run(const std::string& folder);
/// The folders that were remembered, oldest first, as far as they still hold a run.
std::vector<std::string> remembered_runs();

}  // namespace visavis::cli
