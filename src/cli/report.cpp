// visavis report: the files of a finished or interrupted run, written again from its store.
#include <memory>

#include "cli/finished_run.h"
#include "cli/verbs.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::cli {

void add_report(CLI::App& app, int& exit_code) {
  auto run = std::make_shared<FinishedRun>();
  CLI::App* verb =
      app.add_subcommand("report", "Writes the report of a run again, from its answers");
  add_finished_run(*verb, *run);
  verb->footer(
      "Examples:\n"
      "  visavis report visavis-results --lang zh");
  verb->callback([run, &exit_code] {
    write_outputs(*run, store::read_run(runner::store_path(run->folder)));
    exit_code = kDone;
  });
}

}  // namespace visavis::cli
