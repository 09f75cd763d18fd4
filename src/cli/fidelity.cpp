// visavis fidelity: what quantising changed, and whether answers depend on the batch.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/compare.h"
#include "cli/data_folders.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "engine/models/comparable.h"
#include "engine/models/families.h"
#include "harness/runner/fidelity.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"
#include "harness/verdict/fidelity.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string model;
  std::string against;
  std::string against_weights = "bf16";
  std::vector<std::string> suites;
  chat::ModelOptions model_options;
  int items = 20;
  int tokens = 32;
  int layers = 4;
  std::string text;  // a file
  int64_t batch = 0;
  std::string into;
  bool json = false;
  std::string lang;
};

void set_option(chat::ModelOptions& options, const std::string& key, const std::string& value) {
  std::erase_if(options, [&](const auto& option) { return option.first == key; });
  options.emplace_back(key, value);
}

// Provider 0 is the model, provider 1 what it is held against.
runner::Experiment experiment_of(const Options& options) {
  CompareOptions compare;
  compare.suites = options.suites;
  compare.what = {options.model, options.against.empty() ? options.model : options.against};
  runner::Experiment experiment = make_experiment(compare, data_folders("suites"));
  for (runner::Provider& provider : experiment.providers) provider.options = options.model_options;
  set_option(experiment.providers[1].options, "weights", options.against_weights);
  return experiment;
}

// Before anything is loaded.
void require_comparable(const runner::Experiment& experiment) {
  const auto opened = [&](size_t side) {
    const runner::Provider& provider = experiment.providers[side];
    const generate::LocalModelOptions settings = local_options(provider.model, provider.options);
    return models::open_model(settings.folder, settings.open);
  };
  const auto found = models::difference(*opened(0), *opened(1));
  require(!found, "'", experiment.providers[0].model, "' and '", experiment.providers[1].model,
          "' are not one model at two precisions: ", found.value_or(""));
}

verdict::Fidelity summed_up(const runner::Fidelities& measured) {
  std::vector<verdict::FidelityItem> items;
  for (const runner::Fidelities::Item& item : measured.items)
    if (item.failure.empty())
      items.push_back({.cluster = item.cluster,
                       .divergences = item.divergences,
                       .surprises = item.surprises,
                       .reference_surprises = item.reference_surprises,
                       .same_choices = item.same_choices,
                       .same_text = item.same_text,
                       .graded = item.graded,
                       .right = item.right,
                       .reference_right = item.reference_right});
  verdict::Fidelity found = verdict::summarise(items);
  found.model = measured.model.name;
  found.weights = measured.model.weights;
  found.against = measured.reference.weights;
  if (measured.reference.weights_sha256 != measured.model.weights_sha256)
    found.reference = measured.reference.name;
  for (const runner::Fidelities::Layer& layer : measured.layers)
    found.layers.push_back({layer.name, layer.error.value()});
  return found;
}

std::string interval_text(const verdict::Known& known, double factor) {
  std::string text = fmt::format("{:.4g}", factor * known.value);
  if (known.interval)
    text += fmt::format(" [{:.4g} - {:.4g}]", factor * known.interval->low,
                        factor * known.interval->high);
  return text;
}

// A bar of at most `width` characters, in eighths of one.
std::string bar(double share, int width) {
  static const char* const kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<int>(std::lround(share * 8 * width));
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += "█";
  return text + kEighths[eighths % 8];
}

void print_layers(const verdict::Fidelity& found, int traced, const std::string& lang) {
  constexpr int kBar = 32;
  if (found.layers.empty()) return;
  say(lang,
      "relative error of what each layer puts out (%), of {} questions; those before it "
      "included:\n",
      "各层输出的相对误差（%），取自 {} 道题；含其前各层的误差：\n", traced);
  size_t widest = 0;
  double most = 0;
  for (const verdict::LayerError& layer : found.layers) {
    widest = std::max(widest, layer.name.size());
    most = std::max(most, layer.relative);
  }
  for (const verdict::LayerError& layer : found.layers)
    fmt::print("  {:<{}}  {:>8.3f}  {}\n", layer.name, widest, 100 * layer.relative,
               bar(most > 0 ? layer.relative / most : 0, kBar));
}

void print(const verdict::Fidelity& found, const runner::Fidelities& measured, int traced,
           const std::string& lang) {
  const std::string against =
      found.reference.empty() ? found.against : found.reference + " (" + found.against + ")";
  if (found.of_text)
    say(lang, "{}: {} against {}, {} pieces of text, {} tokens\n",
        "{}：{} 对照 {}，{} 段文本，{} 个词元\n", found.model, found.weights, against, found.items,
        found.tokens);
  else
    say(lang, "{}: {} against {}, {} questions, {} tokens of the reference's answers\n",
        "{}：{} 对照 {}，{} 道题，参考回答的 {} 个词元\n", found.model, found.weights, against,
        found.items, found.tokens);
  say(lang, "KL divergence per token (nats):  {}\n", "每词元 KL 散度（nat）：  {}\n",
      interval_text(found.divergence, 1));
  say(lang, "same likeliest token (%):        {}\n", "最可能词元相同（%）：    {}\n",
      interval_text(found.agreement, 100));
  say(lang, "perplexity, ours : reference:    {:.4f} : {:.4f}, ratio {}\n",
      "困惑度，本模型 : 参考： {:.4f} : {:.4f}，比值 {}\n", found.perplexity,
      found.reference_perplexity, interval_text(found.perplexity_ratio, 1));
  print_layers(found, traced, lang);
  for (const runner::Fidelities::Item& item : measured.items)
    if (!item.failure.empty()) say(lang, "left out: {}\n", "未计入：{}\n", item.failure);
  if (found.of_text) return;
  say(lang, "equal answers:                   {} of {}\n", "回答相同：               {} / {}\n",
      found.same_text, found.items);
  say(lang, "answers that flipped:            {} lost, {} won of {} graded\n",
      "对错翻转：               变错 {}，变对 {}，共评分 {}\n", found.only_reference,
      found.only_model, found.graded);
  say(lang, "loss (points):                   {}, p = {:.2g}\n",
      "损失（百分点）：         {}，p = {:.2g}\n", interval_text(found.loss, 100), found.p);
  const suites::Titles words = verdict::in_words(found);
  fmt::print("{}\n", lang == "zh" ? words.zh : words.en);
}

// Into the store of a run that holds this checkpoint at these weights.
void keep(const std::string& folder, verdict::Fidelity found, const chat::ModelFacts& facts) {
  store::Store store = store::Store::open(runner::store_path(folder));
  for (const store::ModelRow& model : store.models()) {
    if (model.facts.weights_sha256 != facts.weights_sha256 || model.facts.weights != facts.weights)
      continue;
    found.model = model.label;
    store.set_fidelity({model.id, verdict::fidelity_json(found)});
    std::cerr << "kept for '" << model.label << "'; visavis report " << folder << " shows it\n";
    return;
  }
  fail("the run in '", folder, "' has no model with these weights (", facts.weights, ")");
}

int run_batch(const Options& options, chat::ModelHost& host) {
  runner::Experiment experiment = experiment_of(options);
  set_option(experiment.providers[0].options, "max_batch_size", std::to_string(options.batch));
  const runner::Schedule schedule = runner::make_schedule(experiment);
  const std::atomic<bool> stop{false};
  const runner::BatchInvariance found = runner::measure_batch_invariance(
      experiment, schedule, host, static_cast<size_t>(options.items), options.batch, stop);
  const int64_t compared = found.asked - found.failed;
  const auto same = compared - static_cast<int64_t>(found.different.size());
  if (options.json) {
    std::cout << base::dump_json({{"batch", found.batch},
                                  {"asked", found.asked},
                                  {"failed", found.failed},
                                  {"same", same},
                                  {"different", found.different}},
                                 1)
              << "\n";
  } else {
    say(options.lang, "{} of {} greedy answers are the same alone and in a batch of {}",
        "{} / {} 个贪心回答单独生成与批大小 {} 时相同", same, compared, found.batch);
    if (found.failed > 0) say(options.lang, "; {} failed", "；{} 个失败", found.failed);
    if (!found.different.empty())
      say(options.lang, "; different: {}", "；不同：{}", base::join(found.different, ", "));
    fmt::print("\n");
  }
  return found.different.empty() && compared > 0 ? kDone : kFailed;
}

int run(const Options& options) {
  const std::unique_ptr<chat::ModelHost> host =
      make_model_host([](const std::string&) {}, {.shows_layers = options.batch == 0});
  if (options.batch > 0) return run_batch(options, *host);
  const runner::Experiment experiment = experiment_of(options);
  require(experiment.providers[0].options != experiment.providers[1].options ||
              !options.against.empty(),
          "both sides have the weights '", options.against_weights,
          "'; choose another --against-weights");
  require(options.text.empty() || options.into.empty(),
          "--into keeps what questions tell; wanted it without --text");
  runner::FidelityOptions what = {.limit = static_cast<size_t>(options.items),
                                  .tokens = options.tokens,
                                  .traced = static_cast<size_t>(options.layers)};
  if (!options.text.empty()) {
    what.texts = runner::text_pieces(base::read_file(options.text), options.tokens);
    require(!what.texts.empty(), "--text: '", options.text,
            "' is too short: wanted some hundred bytes at least");
  }
  require_comparable(experiment);
  const runner::Schedule schedule = runner::make_schedule(experiment);
  const std::atomic<bool> stop{false};
  const runner::Fidelities measured =
      runner::measure_fidelity(experiment, schedule, *host, what, stop,
                               [](const std::string& line) { std::cerr << line << "\n"; });
  verdict::Fidelity found = summed_up(measured);
  found.of_text = !what.texts.empty();
  require(found.items > 0, "no question could be compared: ",
          measured.items.empty() ? "there is none" : measured.items.front().failure);
  if (!options.into.empty()) keep(options.into, found, measured.model);
  if (options.json)
    std::cout << verdict::fidelity_json(found) << "\n";
  else
    print(found, measured, std::min(options.layers, options.items), options.lang);
  return kDone;
}

}  // namespace

void add_fidelity(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("fidelity", "Says what quantising changed: one model at two precisions");
  verb->add_option("MODEL", options->model, "A checkpoint folder or a catalogue name")->required();
  verb->add_option("--against", options->against,
                   "The reference: the same model in any form (default: MODEL itself)");
  verb->add_option("--against-weights", options->against_weights,
                   "Weights of the reference (default: bf16)");
  verb->add_option("-s,--suite", options->suites,
                   "A suite (folder, JSONL file or name); give it again for more; default: demo")
      ->allow_extra_args(false);
  verb->add_option("--text", options->text,
                   "Instead of questions: predict the text in this file, in pieces");
  verb->add_option("--items", options->items, "Questions or pieces of text (default 20)")
      ->check(CLI::Range(1, 100'000));
  verb->add_option("--tokens", options->tokens,
                   "Tokens of each answer or piece whose predictions are compared (default 32)")
      ->check(CLI::Range(1, 4096));
  verb->add_option("--layers", options->layers,
                   "Questions or pieces for which the output of every layer is compared, too "
                   "(default 4; 0: none)")
      ->check(CLI::Range(0, 1000));
  verb->add_option("--batch", options->batch,
                   "Instead: whether greedy answers are the same alone and so many at once")
      ->check(CLI::Range(2, 1024));
  verb->add_option("--into", options->into,
                   "Keep the result with the run in this folder, for its report");
  verb->add_flag("--json", options->json, "Print JSON");
  add_language(*verb, options->lang);
  add_model_options(*verb, options->model_options);
  verb->footer(
      "Both sides predict the same tokens: those of the reference's own answers, or of a text.\n"
      "KL divergence, the likeliest token and perplexity are means over questions of means over\n"
      "tokens. The error of a layer is the root mean square of its output's differences in parts "
      "of\n"
      "the reference's. Both sides must be one model: the same sizes, tokens, template and "
      "treatment\n"
      "of pictures; how their weights are coded and where their files lie does not matter.\n\n"
      "Examples:\n"
      "  visavis fidelity demo-qwen3-vl --weights int4 --against-weights f32 --items 40\n"
      "  visavis quantize demo-llava -o llava-awq --method awq\n"
      "  visavis fidelity llava-awq --against demo-llava --json\n"
      "  visavis fidelity demo-llava --text README.md --items 10 --tokens 128\n"
      "  visavis fidelity demo-qwen3-vl --into visavis-results\n"
      "  visavis fidelity demo-llava --batch 4\n"
      "Exit codes: 0 done, 1 failed (with --batch also: some answer differs), 2 wrong usage.");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
