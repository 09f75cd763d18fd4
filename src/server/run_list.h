// The runs of a folder as the page lists them.
#pragma once

#include <string>

#include "base/json.h"
#include "server/run_desk.h"

namespace visavis::server {

/// {id, description, started, state, items, answers_done, answers_total, models, spent, budget} of
/// one run. Throws Error for a store that cannot be read.
base::Json run_json(const RunDesk& desk, const std::string& id);

/// All of them, the newest first; a folder that cannot be read is left out.
base::Json runs_json(const RunDesk& desk);

/// What changes while a run goes on: {state, answers_done, answers_total, seconds, spent, budget,
/// now, problem}; `state` is running, stopping, stopped or finished, `now` {model, item} or null.
base::Json standing_json(const RunDesk& desk, const std::string& id);

}  // namespace visavis::server
