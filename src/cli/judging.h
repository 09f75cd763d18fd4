// Judging a run by a model, as compare does at its end and judge does afterwards.
#pragma once

#include <atomic>
#include <filesystem>

#include "chat/model_host.h"
#include "harness/runner/progress.h"

namespace visavis::cli {

/// Opens the judge of the run's judge plan, lets it judge and fills in the grades that wait for it.
/// Says what came of it in notes. False if `stop` ended it early. Throws Error.
bool judge_answers(const std::filesystem::path& folder, chat::ModelHost& host,
                   const std::atomic<bool>& stop, runner::Progress& progress);

}  // namespace visavis::cli
