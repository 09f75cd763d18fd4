#include "harness/runner/experiment.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/suites/document.h"
#include "harness/suites/formats.h"
#include "harness/suites/promptfoo.h"

namespace visavis::runner {
namespace {

using suites::Fields;
using suites::Node;

constexpr int64_t kMaxBytes = int64_t{4} << 20;
constexpr size_t kMaxProviders = 16;
constexpr double kMaxMoney = 1e9;

// As in Places.
std::string place_of(const std::string& file, int line) {
  return file + ":" + std::to_string(line) + ": ";
}

std::string place_of(const Fields& fields, std::string_view key) {
  const Node* node = fields.find(key);
  return node == nullptr ? "" : place_of(fields.file(), node->line);
}

// A value that must be one of a few words.
std::string choice(const Fields& fields, std::string_view key, const std::string& fallback,
                   const std::vector<std::string>& known) {
  std::string value = fields.text(key, fallback);
  if (std::find(known.begin(), known.end(), value) == known.end())
    fields.fail_at(*fields.find(key), "'" + std::string(key) + "' is '" + value +
                                          "'; known: " + base::join(known, ", "));
  return value;
}

// A folder or file next to the experiment file, or whatever else the name means to the model host.
std::string model_of(const std::string& id, const std::filesystem::path& folder) {
  std::error_code ignored;
  const std::filesystem::path beside = base::resolve(folder, id);
  const bool there = std::filesystem::is_directory(beside, ignored) ||
                     (beside.extension() == ".gguf" && std::filesystem::exists(beside, ignored));
  return there ? beside.string() : id;
}

chat::ModelOptions read_config(const Node& config, const Fields& fields) {
  if (config.kind != Node::Kind::map) fields.fail_at(config, "'config' is not a map");
  chat::ModelOptions options;
  for (const auto& [key, value] : config.entries) {
    if (value.kind != Node::Kind::scalar)
      fields.fail_at(value, "'" + key + "' of 'config' is no single value");
    options.emplace_back(key, value.scalar);
  }
  return options;
}

Provider read_provider(const Node& node, const std::string& file,
                       const std::filesystem::path& folder) {
  if (node.kind == Node::Kind::scalar) {
    if (node.scalar.empty()) suites::fail_at(file, node.line, "a provider's name is empty");
    return {model_of(node.scalar, folder), "", {}, "", place_of(file, node.line)};
  }
  const Fields fields(node, file, "provider", {"id", "label", "license", "config"});
  Provider provider{model_of(fields.required_text("id"), folder),
                    fields.text("label"),
                    {},
                    fields.text("license"),
                    place_of(file, node.line)};
  if (const Node* config = fields.find("config")) provider.options = read_config(*config, fields);
  return provider;
}

std::vector<Provider> read_providers(const Fields& root, const std::filesystem::path& folder) {
  const Node& list = root.require("providers");
  if (list.kind != Node::Kind::list || list.items.empty())
    root.fail_at(list, "'providers' is not a list of at least one model");
  if (list.items.size() > kMaxProviders)
    root.fail_at(list, "found " + std::to_string(list.items.size()) +
                           " providers, wanted at most " + std::to_string(kMaxProviders));
  std::vector<Provider> providers;
  for (const Node& node : list.items) providers.push_back(read_provider(node, root.file(), folder));
  return providers;
}

// A text for both languages, or {en: ..., zh: ...}.
suites::Titles read_both(const Fields& fields, const char* key) {
  const Node* node = fields.find(key);
  if (node == nullptr) return {};
  if (node->kind == Node::Kind::scalar) return {node->scalar, node->scalar};
  const Fields both(*node, fields.file(), key, {"en", "zh"});
  return {both.text("en"), both.text("zh")};
}

// Where suites are looked for, and what the file says of all tests that stand in it.
struct SuiteContext {
  const std::filesystem::path& file;
  std::filesystem::path folder;
  const std::vector<std::filesystem::path>& libraries;
  const Node* default_test = nullptr;
};

std::filesystem::path find_tests(const std::string& tests, int line, const std::string& file,
                                 const SuiteContext& context) {
  try {
    return suites::find_suite(tests, context.folder, context.libraries);
  } catch (const Error& error) {
    suites::fail_at(file, line, error.what());
  }
}

// `tests`, a list of them or where they lie, with the prompts and asserts beside it.
void read_tests(const Fields& fields, const std::string& name, const SuiteContext& context,
                SuiteSource& source) {
  const Node& tests = fields.require("tests");
  std::vector<suites::Prompt> prompts = suites::read_prompts(fields);
  if (tests.kind == Node::Kind::list) {
    if (tests.items.empty()) fields.fail_at(tests, "'tests' is an empty list");
    if (name.empty()) fields.fail_at(tests, "a suite whose tests stand here needs a 'name'");
    source.tests = suites::read_inline_tests({.name = name,
                                              .tests = tests,
                                              .prompts = std::move(prompts),
                                              .default_test = context.default_test,
                                              .asserts = fields.find("assert")},
                                             context.file);
    return;
  }
  if (const Node* asserts = fields.find("assert"))
    fields.fail_at(*asserts,
                   "'assert' goes with tests that stand here; questions that lie in a file "
                   "bring their own keys");
  source.path = find_tests(fields.required_text("tests"), tests.line, fields.file(), context);
  source.prompts = std::move(prompts);
  source.file = fields.file();
}

SuiteSource read_suite_source(const Node& node, const std::string& file,
                              const SuiteContext& context) {
  SuiteSource source;
  source.place = place_of(file, node.line);
  if (node.kind == Node::Kind::scalar) {
    source.path = find_tests(node.scalar, node.line, file, context);
    return source;
  }
  const Fields fields(
      node, file, "suite",
      {"name", "tests", "prompts", "assert", "pre_prompt", "post_prompt", "limit", "circular"});
  source.name = fields.text("name");
  if (fields.find("limit") != nullptr)
    source.limit = fields.integer("limit", 0, 1, std::numeric_limits<int32_t>::max());
  source.circular = fields.boolean("circular", false);
  source.before = read_both(fields, "pre_prompt");
  source.after = read_both(fields, "post_prompt");
  read_tests(fields, source.name, context, source);
  return source;
}

// The suites, and the tests that stand beside them as in promptfoo's files.
std::vector<SuiteSource> read_suites(const Fields& root, const std::filesystem::path& file,
                                     const std::vector<std::filesystem::path>& libraries) {
  const SuiteContext context{file, file.parent_path(), libraries, root.find("defaultTest")};
  std::vector<SuiteSource> sources;
  if (root.find("tests") != nullptr) {
    sources.emplace_back();
    read_tests(root, file.stem().string(), context, sources.back());
  } else if (root.find("prompts") != nullptr) {
    root.fail_at(root.require("prompts"), "'prompts' stands here without 'tests'");
  }
  const Node* list = root.find("suites");
  if (list == nullptr && !sources.empty()) return sources;
  const Node& suites = root.require("suites");
  if (suites.kind != Node::Kind::list || suites.items.empty())
    root.fail_at(suites, "'suites' is not a list of at least one suite");
  for (const Node& node : suites.items)
    sources.push_back(read_suite_source(node, root.file(), context));
  return sources;
}

void read_schedule(const Node& node, const std::string& file, Experiment& experiment) {
  const Fields fields(node, file, "schedule",
                      {"seed", "warmup", "revisits", "samples", "order", "residency", "concurrency",
                       "fixed_length", "stop_when_decided"});
  experiment.seed =
      static_cast<uint64_t>(fields.integer("seed", 42, 0, std::numeric_limits<int64_t>::max()));
  experiment.warmup = static_cast<int>(fields.integer("warmup", 2, 0, 1000));
  experiment.revisits = static_cast<int>(fields.integer("revisits", 8, 0, 1000));
  experiment.samples = static_cast<int>(fields.integer("samples", 1, 1, 1000));
  experiment.places.samples = place_of(fields, "samples");
  experiment.judgement.stop_when_decided = fields.boolean("stop_when_decided", false);
  experiment.order = choice(fields, "order", "abba", {"abba", "fixed"});
  if (const Node* fixed = fields.find("fixed_length")) {
    const Fields track(*fixed, file, "fixed_length", {"items", "tokens"});
    experiment.fixed_items = static_cast<int>(track.integer("items", 8, 0, 1000));
    experiment.fixed_tokens = static_cast<int>(track.integer("tokens", 64, 2, 4096));
  }
  choice(fields, "residency", "auto", {"auto"});
  fields.integer("concurrency", 1, 1, 1);
}

void read_generation(const Node& node, const std::string& file, Generation& generation) {
  const Fields fields(
      node, file, "generation_kwargs",
      {"temperature", "top_k", "top_p", "repetition_penalty", "max_tokens", "stop"});
  chat::Sampling& sampling = generation.sampling;
  sampling.temperature = static_cast<float>(fields.number("temperature", 0, 0, 100));
  sampling.top_k = static_cast<int>(fields.integer("top_k", 0, 0, 1 << 20));
  sampling.top_p = static_cast<float>(fields.number("top_p", 1, 1e-6, 1));
  sampling.repetition_penalty =
      static_cast<float>(fields.number("repetition_penalty", 1, 0.01, 100));
  if (fields.find("max_tokens") != nullptr)
    generation.max_tokens = static_cast<int>(fields.integer("max_tokens", 0, 1, 1 << 20));
  generation.stop = fields.texts("stop");
}

void read_budget(const Node& node, const std::string& file, const std::filesystem::path& folder,
                 Experiment& experiment) {
  store::Limits& limits = experiment.limits;
  const Fields fields(node, file, "budget",
                      {"currency", "gpu_price_per_hour", "max_cost", "max_time", "prices", "card"});
  limits.currency = fields.text("currency", limits.currency);
  limits.price_per_hour = fields.number("gpu_price_per_hour", 0, 0, kMaxMoney);
  limits.max_cost = fields.number("max_cost", 0, 0, kMaxMoney);
  if (const Node* time = fields.find("max_time"))
    limits.max_seconds = suites::parse_duration(
        fields.text("max_time"), file + ":" + std::to_string(time->line) + ": 'max_time'");
  limits.card = fields.text("card");
  experiment.places.max_cost = place_of(fields, "max_cost");
  experiment.places.card = place_of(fields, "card");
  if (fields.find("prices") != nullptr)
    limits.prices = cost::read_prices(base::resolve(folder, fields.text("prices")));
}

void read_compare(const Node& node, const std::string& file, Experiment& experiment) {
  store::Judgement& judgement = experiment.judgement;
  const Fields fields(node, file, "compare",
                      {"baseline", "alpha", "equivalence_margin", "correction"});
  judgement.baseline = fields.text("baseline");
  experiment.places.baseline = place_of(fields, "baseline");
  judgement.alpha = fields.number("alpha", judgement.alpha, 1e-6, 0.5);
  judgement.equivalence_margin =
      fields.number("equivalence_margin", judgement.equivalence_margin, 0, 1);
  judgement.correction = choice(fields, "correction", judgement.correction, {"holm", "none"});
}

void read_grading(const Node& node, const std::string& file, graders::Cutoffs& cutoffs) {
  const Fields fields(node, file, "grading", {"graded_full", "facts_full", "facts_partial"});
  cutoffs.graded_full = fields.number("graded_full", cutoffs.graded_full, 0, 1);
  cutoffs.facts_full = fields.number("facts_full", cutoffs.facts_full, 0, 1);
  cutoffs.facts_partial = fields.number("facts_partial", cutoffs.facts_partial, 0, 1);
  if (cutoffs.facts_partial > cutoffs.facts_full)
    fields.fail_at(node, "'facts_partial' is above 'facts_full'");
}

// `judge: MODEL` or a provider with what it shall do.
void read_judge(const Node& node, const std::string& file, const std::filesystem::path& folder,
                store::JudgePlan& judge) {
  if (node.kind == Node::Kind::scalar) {
    judge.provider = model_of(node.scalar, folder);
    return;
  }
  const Fields fields(node, file, "judge", {"id", "config", "rubric", "pairs", "scenarios"});
  judge.provider = model_of(fields.required_text("id"), folder);
  if (const Node* config = fields.find("config")) judge.options = read_config(*config, fields);
  judge.rubric = fields.boolean("rubric", true);
  judge.pairs = fields.boolean("pairs", true);
  judge.scenarios = fields.texts("scenarios");
  if (!judge.rubric && !judge.pairs)
    fields.fail_at(node, "'judge' has neither 'rubric' nor 'pairs' to do");
}

void read_recommend(const Node& node, const std::string& file, store::Judgement& judgement) {
  const Fields fields(node, file, "recommend", {"constraints", "weights", "sensitivity"});
  judgement.sensitivity = fields.number("sensitivity", judgement.sensitivity, 0, 1);
  if (const Node* constraints = fields.find("constraints")) {
    const Fields limits(*constraints, file, "constraints",
                        {"peak_vram_mib", "p95_e2e_s", "cost_per_1000", "licenses"});
    if (limits.find("peak_vram_mib") != nullptr)
      judgement.constraints["peak_memory_mib"] = limits.number("peak_vram_mib", 0, 0, 1e12);
    if (limits.find("p95_e2e_s") != nullptr)
      judgement.constraints["p95_e2e_s"] = limits.number("p95_e2e_s", 0, 0, 1e12);
    if (limits.find("cost_per_1000") != nullptr)
      judgement.constraints["cost_per_1000"] = limits.number("cost_per_1000", 0, 0, 1e12);
    judgement.licenses_allowed = limits.texts("licenses");
  }
  if (const Node* weights = fields.find("weights")) {
    const Fields shares(*weights, file, "weights", {"accuracy", "latency", "cost", "memory"});
    for (const auto& [key, value] : weights->entries)
      judgement.weights[key] = shares.number(key, 0, 0, 1);
  }
}

}  // namespace

Experiment parse_experiment(const std::string& text, const std::filesystem::path& file,
                            const std::vector<std::filesystem::path>& libraries) {
  const std::string name = file.string();
  const std::filesystem::path folder = file.parent_path();
  const Node document = suites::parse_yaml(text, name);
  const Fields root(
      document, name, "experiment",
      {"description", "providers", "suites", "prompts", "tests", "defaultTest", "schedule",
       "generation_kwargs", "budget", "grading", "compare", "judge", "recommend", "lang"});
  Experiment experiment;
  experiment.description = root.text("description");
  experiment.providers = read_providers(root, folder);
  experiment.suites = read_suites(root, file, libraries);
  if (const Node* node = root.find("schedule")) read_schedule(*node, name, experiment);
  if (const Node* node = root.find("generation_kwargs"))
    read_generation(*node, name, experiment.generation);
  if (const Node* node = root.find("budget")) read_budget(*node, name, folder, experiment);
  if (const Node* node = root.find("grading"))
    read_grading(*node, name, experiment.judgement.cutoffs);
  if (const Node* node = root.find("compare")) read_compare(*node, name, experiment);
  if (const Node* node = root.find("recommend")) read_recommend(*node, name, experiment.judgement);
  if (const Node* node = root.find("judge")) {
    read_judge(*node, name, folder, experiment.judgement.judge);
    experiment.places.judge = place_of(name, node->line);
  }
  if (root.find("lang") != nullptr) experiment.lang = choice(root, "lang", "en", {"en", "zh"});
  return experiment;
}

Experiment read_experiment(const std::filesystem::path& path,
                           const std::vector<std::filesystem::path>& libraries) {
  return parse_experiment(base::read_file(path, kMaxBytes), path, libraries);
}

void settle_price(Experiment& experiment) {
  store::Limits& limits = experiment.limits;
  if (limits.card.empty()) return;
  const std::string& place = experiment.places.card;
  require(!limits.prices.empty(), place, "card '", limits.card,
          "' needs a price table (--prices, or prices in the file)");
  try {
    const cost::Price& price = cost::price_named(limits.prices, limits.card);
    if (limits.price_per_hour > 0) return;
    limits.price_per_hour = price.per_hour;
    limits.currency = price.currency;
  } catch (const Error& error) {
    fail(place, error.what());
  }
}

void label_providers(Experiment& experiment) {
  std::set<std::string> taken;
  for (const Provider& provider : experiment.providers)
    require(provider.label.empty() || taken.insert(provider.label).second, provider.place,
            "two providers have the label '", provider.label, "'");
  for (Provider& provider : experiment.providers) {
    if (!provider.label.empty()) continue;
    std::filesystem::path path(provider.model);
    if (!path.has_filename()) path = path.parent_path();
    std::string name = path.filename().empty() ? provider.model : path.filename().string();
    // Of an endpoint, the model's name there.
    if (const size_t hash = provider.model.find('#'); hash != std::string::npos)
      name = provider.model.substr(hash + 1);
    provider.label = name;
    for (int number = 2; !taken.insert(provider.label).second; ++number)
      provider.label = name + " #" + std::to_string(number);
  }
  experiment.judgement.licenses.clear();
  for (const Provider& provider : experiment.providers)
    if (!provider.license.empty()) experiment.judgement.licenses[provider.label] = provider.license;
  const std::string& baseline = experiment.judgement.baseline;
  require(baseline.empty() || taken.count(baseline) > 0, experiment.places.baseline,
          "the baseline '", baseline, "' is no provider's label; known: ",
          base::join(std::vector<std::string>(taken.begin(), taken.end()), ", "));
}

namespace {

// Options are stored with the results, so a key must not get among them; the value is not repeated.
void refuse_keys(const std::string& place, const chat::ModelOptions& options) {
  const auto is_word = [](const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_';
    });
  };
  for (const auto& [name, value] : options) {
    require(name != "api_key" && name != "apiKey" && name != "api-key", place, "option ", name,
            ": keys do not belong into experiments, which are stored with the results; put it into "
            "an environment variable and name that with api_key_env");
    // Whoever mixes the two up writes the key itself here.
    const bool names_variable =
        name == "api_key_env" || name == "api-key-env" || name == "apiKeyEnvar";
    require(!names_variable || (is_word(value) && !value.starts_with("sk")), place, "option ", name,
            ": wanted the name of an environment variable, such as MY_API_KEY");
  }
}

void refuse_passwords(const std::string& place, const std::string& model) {
  const size_t host = model.find("://");
  if (host == std::string::npos) return;
  const std::string authority = model.substr(host + 3, model.find('/', host + 3) - host - 3);
  require(authority.find('@') == std::string::npos, place,
          "an endpoint's URL carries a name or password, which would be stored with the results; "
          "put the key into an environment variable and name that with api_key_env");
}

bool has_token_price(const Provider& provider) {
  return std::any_of(provider.options.begin(), provider.options.end(),
                     [](const auto& option) { return option.first.starts_with("price"); });
}

}  // namespace

void refuse_secrets(const std::string& place, const std::string& model,
                    const chat::ModelOptions& options) {
  refuse_keys(place, options);
  refuse_passwords(place, model);
}

void check_experiment(const Experiment& experiment) {
  require(!experiment.providers.empty(), "no model to compare");
  require(!experiment.suites.empty(), "no suite to compare the models on");
  const std::vector<Provider>& providers = experiment.providers;
  const Places& places = experiment.places;
  require(experiment.limits.max_cost == 0 || experiment.limits.price_per_hour > 0 ||
              std::any_of(providers.begin(), providers.end(), has_token_price),
          places.max_cost,
          "a cost limit needs a price per hour (--price, or gpu_price_per_hour in the file) or an "
          "endpoint's price per token");
  for (const Provider& provider : providers)
    refuse_secrets(provider.place, provider.model, provider.options);
  const store::JudgePlan& judge = experiment.judgement.judge;
  refuse_secrets(places.judge, judge.provider, judge.options);
  require(experiment.samples == 1 || experiment.generation.sampling.temperature > 0, places.samples,
          "samples: ", experiment.samples,
          " of greedy answers are the same answer; wanted a temperature above 0");
}

}  // namespace visavis::runner
