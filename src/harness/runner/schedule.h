// The plan of a run, made from the experiment alone: which questions in which order, and what of it
// answers depend on. The same experiment and seed give the same plan, so a run can be resumed.
#pragma once

#include <string>
#include <vector>

#include "harness/runner/experiment.h"
#include "harness/store/rows.h"

namespace visavis::runner {

struct Schedule {
  std::string plan;  // canonical JSON, see store::RunRow::plan
  std::vector<store::ModelRow> models;
  std::vector<store::SuiteRow> suites;
  std::vector<store::ItemRow> items;  // in the order in which they are asked
  std::vector<suites::Titles> notes;  // of the suites
};

/// Reads the suites and their pictures' hashes and puts the questions in order: shuffled with the
/// seed, and so that every beginning of the run holds each scenario in about its share. Throws
/// Error (bad suite, missing picture, question that cannot be graded).
Schedule make_schedule(const Experiment& experiment);

/// The order of `models` at question number `position`: A B at even ones, B A at odd ones ("abba"),
/// or always A B ("fixed").
std::vector<size_t> model_order(size_t models, int64_t position, const std::string& order);

/// Throws Error that says what differs if the stored run is not the one that is planned.
void require_same_plan(const store::RunRow& stored_run,
                       const std::vector<store::ItemRow>& stored_items, const Schedule& planned);

}  // namespace visavis::runner
