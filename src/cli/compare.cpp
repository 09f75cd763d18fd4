// visavis compare: every model on every question, then the report.
#include "cli/compare.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/data_folders.h"
#include "cli/judging.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/provenance.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "harness/cost/prices.h"
#include "harness/report/junit.h"
#include "harness/report/report.h"
#include "harness/report/results.h"
#include "harness/report/sections.h"
#include "harness/runner/runner.h"
#include "harness/runner/schedule.h"
#include "harness/store/store.h"
#include "harness/suites/document.h"
#include "harness/suites/formats.h"
#include "remote/endpoint.h"

namespace visavis::cli {
namespace {

std::atomic<bool> stop_requested{false};  // signal handlers reach nothing else

void on_stop_signal(int) { stop_requested = true; }

// The first ctrl-C ends the run in order, the second one at once.
void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = &on_stop_signal;
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A file size limit shall be an error of the write like a full disk, not the end of the program.
  signal(SIGXFSZ, SIG_IGN);
}

bool is_experiment_file(const std::string& name) {
  const std::filesystem::path path(name);
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// A model option given on the command line replaces the experiment's.
void set_option(chat::ModelOptions& options, const std::string& key, const std::string& value) {
  for (auto& [known, old] : options) {
    if (known != key) continue;
    old = value;
    return;
  }
  options.emplace_back(key, value);
}

runner::Experiment experiment_of(const CompareOptions& options,
                                 const std::vector<std::filesystem::path>& libraries) {
  if (options.what.size() == 1 && is_experiment_file(options.what.front()))
    return runner::read_experiment(options.what.front(), libraries);
  runner::Experiment experiment;
  for (const std::string& model : options.what) {
    require(!is_experiment_file(model), "'", model,
            "' is an experiment file; it must stand alone, without models");
    experiment.providers.push_back({model, "", {}});
  }
  if (options.suites.empty())
    experiment.suites.push_back({suites::find_suite("demo", "", libraries), ""});
  return experiment;
}

// An option of endpoints reaches the endpoints, any other one the models of this machine.
void give_option(runner::Experiment& experiment, const std::string& key, const std::string& value) {
  const std::vector<std::string> names = remote::option_names();
  const bool of_endpoints = std::find(names.begin(), names.end(), key) != names.end();
  bool given = false;
  for (runner::Provider& provider : experiment.providers) {
    if (remote::is_endpoint(provider.model) != of_endpoints) continue;
    set_option(provider.options, key, value);
    given = true;
  }
  require(given, "option ", key, " is for ", of_endpoints ? "endpoints" : "models of this machine",
          ", and no such model is compared");
}

// The experiment file as it was given; empty without one.
std::string experiment_text(const CompareOptions& options) {
  constexpr int64_t kMostBytes = 1 << 22;
  if (options.what.size() != 1 || !is_experiment_file(options.what.front())) return "";
  return base::read_file(options.what.front(), kMostBytes);
}

// The table that comes with visavis, where there is one.
std::vector<cost::Price> shipped_prices() {
  for (const std::filesystem::path& folder : data_folders("prices")) {
    std::error_code ignored;
    const std::filesystem::path table = folder / "cards.csv";
    if (std::filesystem::is_regular_file(table, ignored)) return cost::read_prices(table);
  }
  return {};
}

std::string ending_line(runner::Ending ending) {
  switch (ending) {
    case runner::Ending::complete:
      return "every question is answered";
    case runner::Ending::limit:
      return "stopped at the limit of questions";
    case runner::Ending::time:
      return "stopped before the time limit";
    case runner::Ending::budget:
      return "stopped before the cost limit";
    case runner::Ending::decided:
      return "stopped because the comparison is decided";
    case runner::Ending::interrupted:
      return "stopped on request";
  }
  return "";
}

}  // namespace

runner::Experiment make_experiment(const CompareOptions& options,
                                   const std::vector<std::filesystem::path>& libraries) {
  runner::Experiment experiment = experiment_of(options, libraries);
  if (!options.suites.empty()) experiment.suites.clear();
  for (const std::string& suite : options.suites)
    experiment.suites.push_back({suites::find_suite(suite, "", libraries), ""});
  for (const auto& [key, value] : options.model_options) give_option(experiment, key, value);
  store::Limits& limits = experiment.limits;
  if (options.limit) limits.max_items = *options.limit;
  if (options.budget) {
    limits.max_cost = *options.budget;
    experiment.places.max_cost.clear();
  }
  if (options.price) limits.price_per_hour = *options.price;
  if (options.currency) limits.currency = *options.currency;
  if (options.prices) limits.prices = cost::read_prices(*options.prices);
  if (limits.prices.empty()) limits.prices = shipped_prices();
  if (options.card) {
    limits.card = *options.card;
    experiment.places.card.clear();
    if (!options.price) limits.price_per_hour = 0;  // the card's price, not the file's
  }
  runner::settle_price(experiment);
  if (options.max_time)
    limits.max_seconds = suites::parse_duration(*options.max_time, "--max-time");
  if (options.seed) experiment.seed = *options.seed;
  if (options.warmup) experiment.warmup = *options.warmup;
  if (options.revisits) experiment.revisits = *options.revisits;
  if (options.fixed_length) experiment.fixed_items = *options.fixed_length;
  if (options.max_tokens) experiment.generation.max_tokens = *options.max_tokens;
  if (options.samples) {
    experiment.samples = *options.samples;
    experiment.places.samples.clear();
  }
  if (options.stop_when_decided) experiment.judgement.stop_when_decided = true;
  for (const std::string& folder : options.reuse_answers)
    experiment.reuse_answers.emplace_back(folder);
  if (options.lang) experiment.lang = *options.lang;
  if (experiment.lang.empty()) experiment.lang = locale_language();
  runner::label_providers(experiment);
  runner::check_experiment(experiment);
  return experiment;
}

int compare(const CompareOptions& options, chat::ModelHost& host, const std::atomic<bool>& stop,
            std::ostream& out, std::ostream& err, bool err_is_terminal) {
  runner::Experiment experiment;
  runner::Schedule schedule;
  try {
    experiment = make_experiment(options, data_folders("suites"));
    schedule = runner::make_schedule(experiment);
  } catch (const Error& error) {
    err << "visavis: " << error.what() << "\n";
    return kUsage;
  }
  runner::RunOptions run_options;
  run_options.out = options.out;
  run_options.resume = options.resume;
  run_options.machine = machine_json();
  run_options.build = build_json(experiment_text(options));
  runner::StreamProgress progress(err, err_is_terminal);
  const runner::Ending ending =
      runner::run(experiment, schedule, host, run_options, stop, base::steady_clock(), progress);
  if (!experiment.judgement.judge.provider.empty() && ending != runner::Ending::interrupted)
    judge_answers(options.out, host, stop, progress);
  const report::Results results =
      report::compute_results(store::read_run(runner::store_path(options.out)));
  report::write_report(results, options.out, experiment.lang);
  if (!options.junit.empty())
    base::write_file_atomically(options.junit, report::junit_xml(results.run));
  remember_run(options.out.string());
  out << report::terminal_report(results, experiment.lang);
  progress.note(ending_line(ending));
  progress.note("report: " + (options.out / "report.html").string());
  if (ending == runner::Ending::complete || ending == runner::Ending::decided) return kDone;
  progress.note("go on with: --resume");
  return kStopped;
}

void add_comparison(CLI::App& verb, CompareOptions& options) {
  verb.add_option("EXPERIMENT|MODEL", options.what,
                  "One experiment file (.yaml), or two or more models (folder, name or "
                  "http(s)://HOST/v1#NAME)")
      ->required();
  verb.add_option("-s,--suite", options.suites,
                  "A suite (folder, JSONL file or name); give it again for more; default: demo")
      ->allow_extra_args(false);
  verb.add_option("--limit", options.limit, "Stop after this many questions")
      ->check(CLI::PositiveNumber);
  verb.add_option("--budget", options.budget, "Stop before the run costs more; needs --price")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--price", options.price, "What the machine costs per hour")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--prices", options.prices,
                  "A price table (CSV: card, provider, currency, price_per_hour, date, source); "
                  "default: the example table that comes with visavis");
  verb.add_option("--card", options.card,
                  "The table's card, or CARD@PROVIDER, whose price counts without --price");
  verb.add_option("--currency", options.currency, "Of price and budget (default: CNY)");
  verb.add_option("--max-time", options.max_time, "Stop before this time, e.g. 90s, 30m or 2h");
  verb.add_option("--seed", options.seed, "Of the order of questions and of sampling");
  verb.add_option("--warmup", options.warmup,
                  "Questions per model asked first and discarded (default: 2)")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--revisits", options.revisits,
                  "Questions per model asked again at the end about pictures just seen, "
                  "reported apart (default: 8)")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--fixed-length", options.fixed_length,
                  "Questions per model asked again at the end for exactly 64 tokens, so that "
                  "speeds compare at equal lengths (default: 0)")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--samples", options.samples,
                  "Answers per model and question (default: 1; more need a temperature)")
      ->check(CLI::Range(1, 1000));
  verb.add_flag("--stop-when-decided", options.stop_when_decided,
                "Stop as soon as a test that allows for several looks decides");
  verb.add_option("--reuse-answers", options.reuse_answers,
                  "Take answers that the run in this folder got to exactly the same questions "
                  "from exactly the same models; give it again for more")
      ->allow_extra_args(false);
  verb.add_option("--max-tokens", options.max_tokens, "Longest answer (default: the suite's)")
      ->check(CLI::PositiveNumber);
  verb.add_option("--lang", options.lang,
                  "Language of the report (default: the experiment's, or else the locale's)")
      ->check(CLI::IsMember({"en", "zh"}));
  add_model_options(verb, options.model_options);
}

void add_compare(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* verb = app.add_subcommand(
      "compare", "Runs models on the same questions, grades the answers and writes a report");
  verb->add_option("-o,--out", options->out, "Folder for the results (default: visavis-results)");
  verb->add_flag("--resume", options->resume,
                 "Go on with the run in that folder; begin one if there is none");
  verb->add_option("--junit", options->junit, "Write JUnit XML for continuous integration there");
  add_comparison(*verb, *options);
  verb->footer(
      "Examples:\n"
      "  visavis compare demo-qwen3-vl demo-llava --suite demo --price 2 --out results\n"
      "  visavis compare demo-llava http://localhost:8000/v1#qwen3-vl --parallel 4\n"
      "  visavis compare experiment.yaml --budget 5 --max-time 2h --out results --resume\n"
      "Exit codes: 0 done, 1 failed, 2 bad experiment, 3 stopped with a valid partial result.");
  verb->callback([options, &exit_code] {
    catch_stop_signals();
    const std::unique_ptr<chat::ModelHost> host =
        make_model_host([](const std::string& line) { std::cerr << line << "\n"; });
    exit_code =
        compare(*options, *host, stop_requested, std::cout, std::cerr, isatty(STDERR_FILENO) == 1);
  });
}

}  // namespace visavis::cli
