#include "cli/finished_run.h"

#include <iostream>
#include <utility>

#include "base/files.h"
#include "harness/report/junit.h"
#include "harness/report/report.h"
#include "harness/report/results.h"
#include "harness/report/sections.h"
#include "harness/store/export.h"

namespace visavis::cli {

void add_finished_run(CLI::App& verb, FinishedRun& run) {
  verb.add_option("DIR", run.folder, "The folder that compare wrote (--out)")->required();
  verb.add_option("--lang", run.lang, "Language of the report (default: the run's)")
      ->check(CLI::IsMember({"en", "zh"}));
  verb.add_option("--junit", run.junit, "Write JUnit XML for continuous integration there");
}

void write_outputs(const FinishedRun& run, store::RunData data) {
  store::write_answers(run.folder, data);
  const std::string lang = run.lang.value_or(data.run.lang);
  const report::Results results = report::compute_results(std::move(data));
  report::write_report(results, run.folder, lang);
  if (!run.junit.empty()) base::write_file_atomically(run.junit, report::junit_xml(results.run));
  std::cout << report::terminal_report(results, lang);
  std::cerr << "report: " << (run.folder / "report.html").string() << "\n";
}

}  // namespace visavis::cli
