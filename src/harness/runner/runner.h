// The run itself: every model answers every question, every answer is graded and stored before the
// next one starts. Bad pictures and failing answers cost one item, never the run. Reports are made
// from the store afterwards, by others.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "chat/model_host.h"
#include "harness/runner/experiment.h"
#include "harness/runner/progress.h"
#include "harness/runner/schedule.h"

namespace visavis::runner {

enum class Ending { complete, limit, time, budget, decided, interrupted };

const char* name_of(Ending ending);

struct RunOptions {
  std::filesystem::path out;  // created if missing; holds results.sqlite afterwards
  bool resume = false;        // go on with the run that is there; begin one if there is none
  std::string machine = "{}";
  std::string build = "{}";
};

/// The store of a run in that folder.
std::filesystem::path store_path(const std::filesystem::path& out);

/// Runs or resumes the experiment, whose schedule is given, and writes answers.jsonl and
/// answers.csv. Models that answer one request at a time take turns, question by question; those
/// that answer several at once (endpoints) get the same questions in groups, never while one of the
/// former is being timed. Stops only between questions when a limit is reached, with every begun
/// question answered by every model, and at once (cancelling the current answers) when `stop`
/// becomes true; what is stored then is a valid partial run. Throws
/// Error for a model that cannot be opened, a folder that holds another run, or a disk that is
/// full.
Ending run(const Experiment& experiment, const Schedule& schedule, chat::ModelHost& host,
           const RunOptions& options, const std::atomic<bool>& stop, const base::Clock& clock,
           Progress& progress);

}  // namespace visavis::runner
