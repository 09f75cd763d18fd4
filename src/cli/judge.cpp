// visavis judge: a model judges the answers of a run; no answer is generated again.
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "cli/finished_run.h"
#include "cli/judging.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "harness/runner/experiment.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::cli {
namespace {

struct Options {
  FinishedRun run;
  store::JudgePlan plan;
  bool no_rubric = false;
  bool no_pairs = false;
};

int judge(Options options) {
  const std::filesystem::path path = runner::store_path(options.run.folder);
  {
    store::Store store = store::Store::open(path);
    store::RunRow run = store.run();
    if (!options.plan.provider.empty()) {
      options.plan.rubric = !options.no_rubric;
      options.plan.pairs = !options.no_pairs;
      runner::refuse_secrets("", options.plan.provider, options.plan.options);
      run.judgement.judge = options.plan;
      store.update_run(run);
    }
    require(!run.judgement.judge.provider.empty(),
            "the run names no judge; name a model with --judge");
  }
  const std::unique_ptr<chat::ModelHost> host =
      make_model_host([](const std::string& line) { std::cerr << line << "\n"; });
  const std::atomic<bool> never{false};  // every reply is stored; ctrl-C loses only those under way
  {
    runner::StreamProgress progress(std::cerr, isatty(STDERR_FILENO) == 1);
    judge_answers(options.run.folder, *host, never, progress);
  }
  write_outputs(options.run, store::read_run(path));
  return kDone;
}

}  // namespace

void add_judge(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "judge", "Lets a model judge the answers of a run, beside the automatic grades");
  add_finished_run(*verb, options->run);
  verb->add_option("--judge", options->plan.provider,
                   "Folder, name or http(s)://HOST/v1#NAME (default: the experiment's judge)");
  verb->add_option("--scenario", options->plan.scenarios,
                   "Only this scenario; give it again for more")
      ->allow_extra_args(false);
  verb->add_flag("--no-rubric", options->no_rubric, "Do not judge answers one by one");
  verb->add_flag("--no-pairs", options->no_pairs, "Do not judge answers against each other");
  add_model_options(*verb, options->plan.options);
  verb->footer(
      "Examples:\n"
      "  visavis judge visavis-results --judge http://localhost:8000/v1#internvl --parallel 4\n"
      "Replies are stored; judging again asks only what has not been answered.");
  verb->callback([options, &exit_code] { exit_code = judge(*options); });
}

}  // namespace visavis::cli
