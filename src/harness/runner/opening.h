// How a run begins: with a new store, or with the one that is there.
#pragma once

#include <optional>

#include "harness/runner/experiment.h"
#include "harness/runner/runner.h"
#include "harness/runner/schedule.h"
#include "harness/store/store.h"

namespace visavis::runner {

/// A new store, or with RunOptions::resume the one in the folder. Throws Error if there is one that
/// may not be gone on with, or it is of another plan.
store::Store open_or_create(const Experiment& experiment, const Schedule& schedule,
                            const RunOptions& options);

/// How the run ended if it needs no model: everything (that the limit allows) is answered already,
/// or it was decided. A crash between the last answer and the end leaves such a run marked as
/// running.
std::optional<Ending> ending_without_work(const Experiment& experiment, const Schedule& schedule,
                                          store::Store& store);

}  // namespace visavis::runner
