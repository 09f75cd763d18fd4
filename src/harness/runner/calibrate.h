// A short run before the run, so that plan/ has something to go by: a few questions of every
// scenario, asked as the run will ask them.
#pragma once

#include <atomic>
#include <filesystem>

#include "base/clock.h"
#include "chat/model_host.h"
#include "harness/runner/experiment.h"
#include "harness/runner/schedule.h"

namespace visavis::runner {

inline constexpr int kCalibrationItems = 3;        // of every suite, then of every scenario
inline constexpr double kCalibrationSeconds = 60;  // loading apart

/// The questions to ask: the first kCalibrationItems of every suite, then those of every scenario
/// that are missing, in the order of the schedule.
Schedule calibration_schedule(const Schedule& schedule);

/// Loads the models and runs those questions into a store in `folder` (a new one, the caller's to
/// remove), for kCalibrationSeconds at most after loading. The run's facts hold the loading times.
store::RunData calibrate(const Experiment& experiment, const Schedule& schedule,
                         chat::ModelHost& host, const std::filesystem::path& folder,
                         const std::string& machine, const std::atomic<bool>& stop,
                         const base::Clock& clock);

}  // namespace visavis::runner
