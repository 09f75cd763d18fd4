// visavis plan: minutes, money, memory and the smallest difference that a run can find, before it
// is run.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "cli/compare.h"
#include "cli/data_folders.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/provenance.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "harness/plan/forecast.h"
#include "harness/runner/calibrate.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"
#include "machine/cpu.h"
#include "machine/gpu.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  CompareOptions compare;
  std::vector<std::string> from;
  bool calibrate = false;
  bool json = false;
};

std::vector<store::RunData> earlier_runs(const Options& options) {
  std::vector<std::string> folders = remembered_runs();
  folders.insert(folders.end(), options.from.begin(), options.from.end());
  std::vector<store::RunData> runs;
  for (const std::string& folder : folders) {
    const bool asked_for =
        std::find(options.from.begin(), options.from.end(), folder) != options.from.end();
    try {
      runs.push_back(store::read_run(runner::store_path(folder)));
    } catch (const Error&) {
      if (asked_for) throw;  // one that was only remembered may be damaged or gone
    }
  }
  return runs;
}

// What all models take together, and what there is.
struct MemoryFit {
  std::optional<int64_t> needed;  // nothing if a model's plan is unknown
  int64_t available = 0;
  bool on_card = false;
  bool fits() const { return !needed || *needed <= available; }
};

MemoryFit memory_fit(const plan::Forecast& found, const runner::Experiment& experiment) {
  MemoryFit fit;
  int64_t kept = 0;
  int64_t workspace = 0;  // shared by the models of a device
  fit.needed = 0;
  for (const plan::ModelForecast& model : found.models) {
    if (!model.memory) {
      fit.needed.reset();
      break;
    }
    kept += model.memory->weights + model.memory->vision + model.memory->kv;
    workspace = std::max(workspace, model.memory->workspace);
    fit.needed = kept + workspace;
  }
  fit.available = machine::memory_facts().available_bytes;
  const auto cards = machine::gpu_facts();
  bool cpu = cards.empty();
  int64_t budget = 0;
  for (const runner::Provider& provider : experiment.providers)
    for (const auto& [key, value] : provider.options) {
      if (key == "device" && value == "cpu") cpu = true;
      if (key == "vram_budget" && value != "auto") budget = bytes_named("vram_budget", value);
    }
  if (!cpu) {
    fit.on_card = true;
    const auto used = machine::gpu_memory(cards.front().bus_id);
    fit.available = cards.front().memory_bytes - (used ? used->used : 0);
    if (budget > 0) fit.available = std::min(fit.available, budget);
  }
  return fit;
}

std::string minutes(double seconds) {
  return seconds < 120 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.1f} min", seconds / 60);
}

void print(const plan::Forecast& found, const MemoryFit& memory, const store::Limits& limits,
           const std::string& lang) {
  const bool chinese = lang == "zh";
  say(lang, "questions: {}, models: {}\n", "题目：{}，模型：{}\n", found.questions,
      found.models.size());
  for (const plan::ModelForecast& model : found.models) {
    if (!model.question) {
      say(lang, "{}: no run of it on this machine is known; --calibrate asks a few questions\n",
          "{}：未知其在本机的运行；--calibrate 会试问几道题\n", model.label);
      continue;
    }
    say(lang, "{}: {:.3f} s a question [{:.3f} - {:.3f}] (from {} answers), load {}\n",
        "{}：每题 {:.3f} 秒 [{:.3f} - {:.3f}]（据 {} 个回答），加载 {}\n", model.label,
        model.question->value, model.question->low, model.question->high, model.answers_known,
        model.load_seconds ? minutes(*model.load_seconds)
        : chinese          ? "未知"
                           : "not known");
  }
  const char* estimate = chinese ? "估计范围：" : "estimate, a range: ";
  const char* kind = found.estimate ? estimate : "";
  if (found.seconds)
    say(lang, "time: {}{} [{} - {}]\n", "时间：{}{} [{} - {}]\n", kind,
        minutes(found.seconds->value), minutes(found.seconds->low), minutes(found.seconds->high));
  if (found.cost)
    say(lang, "money: {}{:.3f} {} [{:.3f} - {:.3f}] at {} {} an hour\n",
        "费用：{}{:.3f} {} [{:.3f} - {:.3f}]，每小时 {} {}\n", kind, found.cost->value,
        limits.currency, found.cost->low, found.cost->high, limits.price_per_hour, limits.currency);
  if (memory.needed)
    say(lang, "memory: {} of {} available {}\n", "内存：需要 {}，可用 {}（{}）\n",
        base::human_bytes(*memory.needed), base::human_bytes(memory.available),
        memory.on_card ? (chinese ? "显卡" : "on the card") : (chinese ? "本机" : "here"));
  say(lang, "smallest difference that is found with 80 % probability, in points:\n",
      "以 80 % 的概率能发现的最小差异（百分点）：\n");
  for (const plan::Detectable& row : found.detectable) {
    const std::string points = row.from_runs
                                   ? fmt::format("{:.1f}", 100 * row.low)
                                   : fmt::format("{:.1f} - {:.1f}", 100 * row.low, 100 * row.high);
    const char* known = chinese ? "据这些模型以往的分歧" : "from how often these models disagreed";
    const char* assumed = chinese ? "假设 20 % 到 40 % 的题目能区分它们"
                                  : "assuming that 20 to 40 % of questions separate them";
    say(lang, "  {}: {} ({} questions about {} sources, {})\n",
        "  {}：{}（{} 道题，{} 个来源，{}）\n", row.name, points, row.questions, row.groups,
        row.from_runs ? known : assumed);
  }
}

// The lines that say what does not fit; none if everything does.
std::vector<std::string> misfits(const plan::Forecast& found, const MemoryFit& memory,
                                 const store::Limits& limits, const std::string& lang) {
  std::vector<std::string> lines;
  const auto add = [&](const char* english, const char* chinese, const auto&... values) {
    lines.push_back(fmt::format(fmt::runtime(lang == "zh" ? chinese : english), values...));
  };
  if (found.over_time)
    add("it takes {}, the limit is {}", "需要 {}，上限为 {}", minutes(found.seconds->value),
        minutes(limits.max_seconds));
  if (found.over_cost)
    add("it costs {:.3f} {}, the limit is {:.3f}", "费用为 {:.3f} {}，上限为 {:.3f}",
        found.cost->value, limits.currency, limits.max_cost);
  if (found.affordable)
    add("about {} of {} questions fit", "大约可问 {} / {} 道题", *found.affordable,
        found.questions);
  if (!memory.fits())
    add("the models take {}, {} are available", "模型需要 {}，可用 {}",
        base::human_bytes(*memory.needed), base::human_bytes(memory.available));
  return lines;
}

base::Json range_json(const std::optional<plan::Range>& range) {
  if (!range) return nullptr;
  return {{"low", range->low}, {"value", range->value}, {"high", range->high}};
}

base::Json as_json(const plan::Forecast& found, const MemoryFit& memory,
                   const store::Limits& limits, const std::vector<std::string>& lines) {
  base::Json models = base::Json::array();
  for (const plan::ModelForecast& model : found.models)
    models.push_back(
        {{"model", model.label},
         {"answers_known", model.answers_known},
         {"question_seconds", range_json(model.question)},
         {"load_seconds", model.load_seconds ? base::Json(*model.load_seconds) : base::Json()}});
  base::Json differences = base::Json::array();
  for (const plan::Detectable& row : found.detectable)
    differences.push_back({{"name", row.name},
                           {"questions", row.questions},
                           {"sources", row.groups},
                           {"low", row.low},
                           {"high", row.high},
                           {"from_runs", row.from_runs}});
  return {{"questions", found.questions},
          {"models", std::move(models)},
          {"seconds", range_json(found.seconds)},
          {"estimate", found.estimate},
          {"cost", range_json(found.cost)},
          {"currency", limits.currency},
          {"memory_bytes", memory.needed ? base::Json(*memory.needed) : base::Json()},
          {"available_bytes", memory.available},
          {"detectable", std::move(differences)},
          {"fits", lines.empty()},
          {"may_be_over", found.may_be_over},
          {"misfits", lines}};
}

int plan_run(const Options& options, chat::ModelHost& host) {
  runner::Experiment experiment;
  runner::Schedule schedule;
  try {
    experiment = make_experiment(options.compare, data_folders("suites"));
    schedule = runner::make_schedule(experiment);
  } catch (const Error& error) {
    std::cerr << "visavis: " << error.what() << "\n";
    return kUsage;
  }
  std::vector<store::RunData> runs;
  const std::string machine = machine_json();
  if (options.calibrate) {
    const base::TemporaryFolder folder;
    const std::atomic<bool> stop{false};
    runs.push_back(runner::calibrate(experiment, schedule, host, folder.path() / "run", machine,
                                     stop, base::steady_clock()));
  } else {
    runs = earlier_runs(options);
  }
  const plan::Task task = {.models = schedule.models,
                           .suites = schedule.suites,
                           .items = schedule.items,
                           .limits = experiment.limits,
                           .warmup = experiment.warmup,
                           .revisits = experiment.revisits,
                           .fixed_items = experiment.fixed_items,
                           .machine = machine};
  const plan::Forecast found = plan::forecast(task, runs);
  const MemoryFit memory = memory_fit(found, experiment);
  const std::string& lang = experiment.lang;
  // JSON is English, whatever the language.
  const std::vector<std::string> lines =
      misfits(found, memory, experiment.limits, options.json ? "en" : lang);
  if (options.json) {
    std::cout << base::dump_json(as_json(found, memory, experiment.limits, lines), 1) << "\n";
  } else {
    print(found, memory, experiment.limits, lang);
    for (const std::string& line : lines) say(lang, "does not fit: {}\n", "超出限制：{}\n", line);
    if (lines.empty() && found.may_be_over)
      say(lang, "may not fit: the upper end of the range is above a limit\n",
          "可能超出限制：范围的上端高于限制\n");
  }
  return lines.empty() ? kDone : kStopped;
}

}  // namespace

void add_plan(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "plan", "Says what a comparison will take, cost and be able to find, before it is run");
  CompareOptions& compare = options->compare;
  add_comparison(*verb, compare);
  verb->add_option("--from", options->from,
                   "A run to go by, beside those that this machine remembers")
      ->allow_extra_args(false);
  verb->add_flag("--calibrate", options->calibrate,
                 "Load the models and ask three questions of every suite and scenario, for 60 s at "
                 "most, instead of going by earlier runs");
  verb->add_flag("--json", options->json, "Print JSON");
  verb->footer(
      "Examples:\n"
      "  visavis plan experiments/demo.yaml\n"
      "  visavis plan experiments/demo.yaml --calibrate --budget 5 --price 2\n"
      "Exit codes: 0 it fits, 1 failed, 2 bad experiment, 3 it does not fit the time, the money or "
      "the memory.");
  verb->callback([options, &exit_code] {
    const std::unique_ptr<chat::ModelHost> host = make_model_host([](const std::string&) {});
    exit_code = plan_run(*options, *host);
  });
}

}  // namespace visavis::cli
