// What the commands on finished runs share.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "harness/store/rows.h"

namespace visavis::cli {

struct FinishedRun {
  std::filesystem::path folder;
  std::optional<std::string> lang;  // absent: the run's own
  std::filesystem::path junit;      // where to write JUnit XML; empty: nowhere
};

/// Adds DIR, --lang and --junit.
void add_finished_run(CLI::App& verb, FinishedRun& run);

/// Writes summary.json, report.md, report.html, answers.jsonl and answers.csv of the run into its
/// folder and prints the tables. Throws Error.
void write_outputs(const FinishedRun& run, store::RunData data);

}  // namespace visavis::cli
