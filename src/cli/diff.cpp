// visavis diff: a run against an earlier one, for people and for continuous integration.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/json.h"
#include "base/text.h"
#include "cli/language.h"
#include "cli/verbs.h"
#include "harness/report/difference.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::cli {
namespace {

struct Options {
  std::filesystem::path before;
  std::filesystem::path after;
  bool json = false;
  std::string lang;
};

const char* word_of(verdict::Decision decision) {
  switch (decision) {
    case verdict::Decision::first_better:
      return "worse";
    case verdict::Decision::second_better:
      return "better";
    case verdict::Decision::equivalent:
      return "equivalent";
    case verdict::Decision::undecided:
      return "undecided";
    case verdict::Decision::cannot_decide:
      return "cannot_decide";
  }
  return "undecided";
}

base::Json as_json(const report::RunDifference& found) {
  base::Json models = base::Json::array();
  for (const report::ModelDifference& model : found.models)
    models.push_back({{"model", model.label},
                      {"questions", model.pair.both},
                      {"before", model.before},
                      {"after", model.after},
                      {"only_before", model.pair.only_first},
                      {"only_after", model.pair.only_second},
                      {"p_holm", model.pair.p_holm.value_or(model.pair.p)},
                      {"decision", word_of(model.pair.decision)}});
  return {{"models", models},
          {"only_before", found.only_before},
          {"only_after", found.only_after},
          {"changed_questions", found.changed_questions},
          {"regressed", found.regressed()}};
}

const char* chinese_word_of(verdict::Decision decision) {
  switch (decision) {
    case verdict::Decision::first_better:
      return "变差";
    case verdict::Decision::second_better:
      return "变好";
    case verdict::Decision::equivalent:
      return "相当";
    case verdict::Decision::undecided:
      return "未能判定";
    case verdict::Decision::cannot_decide:
      return "题目太少，无法判定";
  }
  return "未能判定";
}

void print(const report::RunDifference& found, const std::string& lang) {
  for (const report::ModelDifference& model : found.models) {
    const verdict::PairResult& pair = model.pair;
    say(lang,
        "{}: {:.1f} % -> {:.1f} % fully right ({} questions; right only before {}, only "
        "after {}; p = {:.2g}): {}\n",
        "{}：完全正确 {:.1f} % -> {:.1f} %（{} 道题；仅之前正确 {}，仅之后正确 {}；"
        "p = {:.2g}）：{}\n",
        model.label, 100 * model.before, 100 * model.after, pair.both, pair.only_first,
        pair.only_second, pair.p_holm.value_or(pair.p),
        lang == "zh" ? chinese_word_of(pair.decision) : word_of(pair.decision));
  }
  if (!found.only_before.empty())
    say(lang, "only before: {}\n", "仅在之前：{}\n", base::join(found.only_before, ", "));
  if (!found.only_after.empty())
    say(lang, "only after: {}\n", "仅在之后：{}\n", base::join(found.only_after, ", "));
  if (found.changed_questions > 0)
    say(lang, "left out: {} questions that are not the same in both\n",
        "未比较：两次运行中不相同的 {} 道题\n", found.changed_questions);
}

int run(const Options& options) {
  const report::RunDifference found =
      report::difference(store::read_run(runner::store_path(options.before)),
                         store::read_run(runner::store_path(options.after)));
  if (options.json)
    std::cout << base::dump_json(as_json(found), 1) << "\n";
  else
    print(found, options.lang);
  return found.regressed() ? kRegression : kDone;
}

}  // namespace

void add_diff(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("diff", "Compares a run with an earlier one, model by model");
  verb->add_option("BEFORE", options->before, "The folder of the earlier run")->required();
  verb->add_option("AFTER", options->after, "The folder of the later run")->required();
  verb->add_flag("--json", options->json, "Print JSON");
  add_language(*verb, options->lang);
  verb->footer(
      "Examples:\n"
      "  visavis diff runs/last-week runs/today\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 100 a model got worse beyond chance.");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
