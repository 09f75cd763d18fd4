// What a run cost and used, part by part, and what its answers would cost elsewhere. Computed for
// Results; nothing here is printed.
#pragma once

#include <optional>
#include <vector>

#include "harness/cost/other_cards.h"
#include "harness/store/rows.h"

namespace visavis::report {

/// Where the seconds of a run went; they add up to all sessions' seconds.
struct TimeSplit {
  double load = 0;
  double warmup = 0;
  double answers = 0;  // the measured ones
  double again = 0;    // questions asked again: seen pictures, equal lengths
  double rest = 0;     // grading, storing, reading pictures, waiting
  double total() const { return load + warmup + answers + again + rest; }
};

TimeSplit split_time(const store::RunData& run);

/// Joules of all sessions' cards; nothing where a session does not know.
std::optional<double> run_joules(const store::RunData& run);

/// Mean joules of the model's answers; nothing unless all of them know.
std::optional<double> joules_per_answer(const store::RunData& run, int64_t model);

/// The model's answers on the cards of the run's price table.
cost::OtherCards elsewhere(const store::RunData& run, int64_t model);

}  // namespace visavis::report
