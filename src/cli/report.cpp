// visavis report: the files of a finished or interrupted run, written again from its store.
#include <filesystem>
#include <memory>

#include "cli/finished_run.h"
#include "cli/verbs.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"
#include "harness/store/vlmevalkit.h"

namespace visavis::cli {

void add_report(CLI::App& app, int& exit_code) {
  auto run = std::make_shared<FinishedRun>();
  CLI::App* verb =
      app.add_subcommand("report", "Writes the report of a run again, from its answers");
  add_finished_run(*verb, *run);
  auto predictions = std::make_shared<std::filesystem::path>();
  verb->add_option(
      "--vlmevalkit", *predictions,
      "Also write the answers here as VLMEvalKit's files of predictions (TSV), one for "
      "every model and suite");
  verb->footer(
      "Examples:\n"
      "  visavis report visavis-results --lang zh\n"
      "  visavis report visavis-results --vlmevalkit predictions");
  verb->callback([run, predictions, &exit_code] {
    const store::RunData data = store::read_run(runner::store_path(run->folder));
    if (!predictions->empty()) store::write_vlmevalkit(*predictions, data);
    write_outputs(*run, data);
    exit_code = kDone;
  });
}

}  // namespace visavis::cli
