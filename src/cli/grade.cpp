// visavis grade: grades the answers of a run again, without asking any model.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "cli/finished_run.h"
#include "cli/verbs.h"
#include "harness/judge/judge.h"
#include "harness/runner/regrade.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::cli {
namespace {

size_t count_changed(const std::vector<store::GradeRow>& before,
                     const std::vector<store::GradeRow>& after) {
  size_t changed = 0;
  for (size_t i = 0; i < before.size(); ++i)
    if (before[i].grade.verdict != after[i].grade.verdict ||
        before[i].grade.score != after[i].grade.score)
      ++changed;
  return changed;
}

int grade(const FinishedRun& run) {
  const std::filesystem::path path = runner::store_path(run.folder);
  store::Store store = store::Store::open(path);
  const store::RunData before = store.read_all();
  const std::vector<store::GradeRow> grades =
      judge::with_judgements(before, runner::grade_again(before));
  store.replace_grades(grades);
  std::cerr << fmt::format("{} answers graded again, {} grades changed\n", grades.size(),
                           count_changed(before.grades, grades));
  write_outputs(run, store.read_all());
  return kDone;
}

}  // namespace

void add_grade(CLI::App& app, int& exit_code) {
  auto run = std::make_shared<FinishedRun>();
  CLI::App* verb =
      app.add_subcommand("grade", "Grades the answers of a run again, without asking any model");
  add_finished_run(*verb, *run);
  verb->footer(
      "Examples:\n"
      "  visavis grade visavis-results");
  verb->callback([run, &exit_code] { exit_code = grade(*run); });
}

}  // namespace visavis::cli
