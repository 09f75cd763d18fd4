// The work of `visavis compare` behind its command line, apart from it so that tests can bring
// their own models and streams.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "chat/model_host.h"
#include "harness/runner/experiment.h"

namespace visavis::cli {

/// What was given on the command line; absent values leave the experiment's own.
struct CompareOptions {
  std::vector<std::string> what;  // one experiment file, or models
  std::vector<std::string> suites;
  std::filesystem::path out = "visavis-results";
  bool resume = false;
  chat::ModelOptions model_options;  // for every model, above its own
  std::optional<int64_t> limit;
  std::optional<double> budget;
  std::optional<double> price;
  std::optional<std::string> currency;
  std::optional<std::string> max_time;
  std::optional<uint64_t> seed;
  std::optional<int> warmup;
  std::optional<int> revisits;
  std::optional<int> max_tokens;
  std::optional<int> samples;
  bool stop_when_decided = false;
  std::vector<std::string> reuse_answers;  // folders of runs
  std::optional<std::string> lang;
  std::optional<std::string> prices;  // a price table
  std::optional<std::string> card;    // of it
  std::optional<int> fixed_length;    // questions of the track of equal lengths
  std::filesystem::path junit;        // where to write JUnit XML; empty: nowhere
};

/// Adds what says which models and questions are meant and within which limits.
void add_comparison(CLI::App& verb, CompareOptions& options);

/// The experiment that the options describe. Throws Error for a bad file or bad options.
runner::Experiment make_experiment(const CompareOptions& options,
                                   const std::vector<std::filesystem::path>& libraries);

/// Runs, writes all outputs and prints the short report to `out`; progress goes to `err`. Returns
/// the exit code (2, with a line on `err`, for a bad experiment). Throws Error when the run fails.
int compare(const CompareOptions& options, chat::ModelHost& host, const std::atomic<bool>& stop,
            std::ostream& out, std::ostream& err, bool err_is_terminal);

}  // namespace visavis::cli
