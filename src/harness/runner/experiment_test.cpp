#include "harness/runner/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/runner/schedule.h"

namespace visavis::runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path kSource = VISAVIS_SOURCE_DIR;
const std::filesystem::path kLibrary = kSource / "tests/data/suites";
const std::filesystem::path kFull = kSource / "tests/data/experiments/full.yaml";

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_experiment(text, "e.yaml", {kLibrary}); });
}

const std::string kStart = "providers: [fake-a]\nsuites: [tiny]\n";

TEST(Experiment, ReadsEveryKey) {
  Experiment experiment = read_experiment(kFull, {kLibrary});
  label_providers(experiment);
  EXPECT_EQ(experiment.description, "Two models on a tiny suite");
  EXPECT_EQ(experiment.lang, "zh");
  ASSERT_EQ(experiment.providers.size(), 2u);
  EXPECT_EQ(experiment.providers[0].label, "A");
  EXPECT_EQ(experiment.providers[0].options,
            (chat::ModelOptions{{"weights", "int4"}, {"max_pixels", "802816"}, {"ctx", "4096"}}));
  EXPECT_EQ(experiment.providers[1].label, "fake-b");
  ASSERT_EQ(experiment.suites.size(), 2u);
  EXPECT_EQ(experiment.suites[1].name, "again");
  EXPECT_TRUE(std::filesystem::exists(experiment.suites[1].path));
  EXPECT_EQ(experiment.seed, 7u);
  EXPECT_EQ(experiment.warmup, 1);
  EXPECT_EQ(experiment.order, "fixed");
  EXPECT_FLOAT_EQ(experiment.generation.sampling.temperature, 0.5f);
  EXPECT_EQ(experiment.generation.sampling.top_k, 20);
  EXPECT_EQ(experiment.generation.max_tokens, 64);
  EXPECT_EQ(experiment.generation.stop, std::vector<std::string>{"\n\n"});
  EXPECT_EQ(experiment.limits.max_seconds, 7200);
  EXPECT_EQ(experiment.limits.price_per_hour, 2);
  EXPECT_EQ(experiment.judgement.cutoffs.facts_partial, 0.25);
  EXPECT_EQ(experiment.judgement.alpha, 0.1);
  EXPECT_EQ(experiment.judgement.correction, "none");
  EXPECT_EQ(experiment.judgement.constraints.at("peak_memory_mib"), 15000);
  EXPECT_EQ(experiment.judgement.weights.at("latency"), 0.25);
  EXPECT_EQ(experiment.judgement.sensitivity, 0.3);
  EXPECT_EQ(experiment.judgement.constraints.at("cost_per_1000"), 4);
  EXPECT_EQ(experiment.judgement.licenses_allowed, (std::vector<std::string>{"apache-2.0", "mit"}));
  EXPECT_EQ(experiment.judgement.licenses,
            (std::map<std::string, std::string>{{"A", "apache-2.0"}}));
  EXPECT_EQ(experiment.fixed_items, 4);
  EXPECT_EQ(experiment.fixed_tokens, 32);
  EXPECT_EQ(experiment.limits.card, "T4");
  ASSERT_FALSE(experiment.limits.prices.empty());
  settle_price(experiment);
  EXPECT_EQ(experiment.limits.price_per_hour, 2.0) << "a price that is given stands";
}

TEST(Experiment, TakesAPriceFromTheTable) {
  Experiment experiment;
  store::Limits& limits = experiment.limits;
  limits.prices = {{"T4", "a", "USD", 0.4, "2026-01-01", "s"}};
  settle_price(experiment);
  EXPECT_EQ(limits.price_per_hour, 0) << "no card is named";
  limits.card = "T4";
  settle_price(experiment);
  EXPECT_EQ(limits.price_per_hour, 0.4);
  EXPECT_EQ(limits.currency, "USD");
  limits = {.card = "L4", .prices = limits.prices};
  EXPECT_THAT(error_of([&] { settle_price(experiment); }), HasSubstr("the table has: T4@a"));
  limits.prices.clear();
  EXPECT_THAT(error_of([&] { settle_price(experiment); }), HasSubstr("needs a price table"));
  EXPECT_THAT(parse_error(kStart + "budget: {prices: nowhere.csv}\n"), HasSubstr("nowhere.csv"));
}

TEST(Experiment, NamesFileLineAndKnownKeysOfAnUnknownKey) {
  EXPECT_THAT(parse_error(kStart + "budgets: 3\n"),
              AllOf(HasSubstr("e.yaml:3: unknown key 'budgets' in experiment"),
                    HasSubstr("known: description, providers, suites, prompts")));
  EXPECT_THAT(parse_error("providers:\n  - id: a\n    weights: int4\nsuites: [tiny]\n"),
              AllOf(HasSubstr("e.yaml:3:"), HasSubstr("known: id, label, license, config")));
}

TEST(Experiment, RefusesBadValuesWithTheirPlace) {
  EXPECT_THAT(parse_error("suites: [tiny]\n"), HasSubstr("experiment has no 'providers'"));
  EXPECT_THAT(parse_error("providers: []\nsuites: [tiny]\n"), HasSubstr("e.yaml:1:"));
  EXPECT_THAT(parse_error("providers: [a]\nsuites:\n  - nowhere\n"),
              AllOf(HasSubstr("e.yaml:3: no suite 'nowhere'"), HasSubstr("tiny")));
  EXPECT_THAT(parse_error(kStart + "schedule: {order: random}\n"), HasSubstr("known: abba, fixed"));
  EXPECT_THAT(parse_error(kStart + "schedule: {seed: -1}\n"), HasSubstr("wanted a whole number"));
  EXPECT_THAT(parse_error(kStart + "schedule: {concurrency: 4}\n"), HasSubstr("from 1 to 1"));
  EXPECT_THAT(parse_error(kStart + "budget:\n  max_time: soon\n"),
              HasSubstr("e.yaml:4: 'max_time': found 'soon'"));
  EXPECT_THAT(parse_error(kStart + "generation_kwargs: {top_p: 0}\n"), HasSubstr("'top_p'"));
  EXPECT_THAT(parse_error(kStart + "grading: {facts_full: 0.2, facts_partial: 0.5}\n"),
              HasSubstr("'facts_partial' is above"));
  EXPECT_THAT(parse_error("providers: [{id: a, config: {x: [1]}}]\nsuites: [tiny]\n"),
              HasSubstr("no single value"));
  EXPECT_THAT(parse_error(kStart + "lang: fr\n"), HasSubstr("known: en, zh"));
}

TEST(Experiment, TakesAModelFolderNextToItsFile) {
  const Experiment experiment = parse_experiment(
      "providers: [suites, fake-b]\nsuites: [suites/tiny]\n", kSource / "tests/data/e.yaml", {});
  EXPECT_EQ(experiment.providers[0].model, (kSource / "tests/data/suites").string());
  EXPECT_EQ(experiment.providers[1].model, "fake-b");
}

TEST(Labels, AreMadeUniqueOrRefused) {
  Experiment experiment;
  experiment.providers = {{"/models/demo/", "", {}}, {"demo", "", {}}, {"x", "demo #2", {}}};
  label_providers(experiment);
  EXPECT_EQ(experiment.providers[0].label, "demo");
  EXPECT_EQ(experiment.providers[1].label, "demo #3");
  experiment.providers[1].label = "demo";
  EXPECT_THAT(error_of([&] { label_providers(experiment); }), HasSubstr("label 'demo'"));
  experiment.providers.resize(1);
  experiment.judgement.baseline = "other";
  EXPECT_THAT(error_of([&] { label_providers(experiment); }), HasSubstr("known: demo"));
}

TEST(Experiment, NeedsAPriceForACostLimit) {
  Experiment experiment =
      parse_experiment(kStart + "budget: {max_cost: 5}\n", "e.yaml", {kLibrary});
  EXPECT_THAT(error_of([&] { check_experiment(experiment); }), HasSubstr("needs a price"));
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> properties_of(const base::Json& schema) {
  std::vector<std::string> names;
  for (const auto& [name, value] : schema.at("properties").items()) names.push_back(name);
  return sorted(names);
}

// The keys that the reader lists when it meets one that it does not know.
std::vector<std::string> keys_known_after(const std::string& text) {
  const std::string error = parse_error(text);
  const size_t at = error.find("known: ");
  if (at == std::string::npos) return {error};
  std::vector<std::string> names = base::split(error.substr(at + 7), ',');
  for (std::string& name : names) name = std::string(base::trim(name));
  return sorted(names);
}

TEST(Schema, HasTheKeysThatTheReaderKnows) {
  const base::Json schema = base::read_json(kSource / "docs/experiment.schema.json");
  const base::Json& root = schema.at("properties");
  EXPECT_EQ(properties_of(schema), keys_known_after(kStart + "zzz: 1\n"));
  EXPECT_EQ(properties_of(root["providers"]["items"]["anyOf"][1]),
            keys_known_after("providers: [{zzz: 1}]\n"));
  EXPECT_EQ(properties_of(root["suites"]["items"]["anyOf"][1]),
            keys_known_after("providers: [a]\nsuites: [{zzz: 1}]\n"));
  for (const char* section :
       {"schedule", "generation_kwargs", "budget", "grading", "compare", "recommend"})
    EXPECT_EQ(properties_of(root[section]), keys_known_after(kStart + section + ": {zzz: 1}\n"))
        << section;
  EXPECT_EQ(properties_of(root["defaultTest"]),
            keys_known_after(kStart + "defaultTest: {zzz: 1}\ntests: [{}]\n"));
  EXPECT_EQ(properties_of(root["tests"]["anyOf"][1]["items"]),
            keys_known_after(kStart + "tests: [{zzz: 1}]\n"));
  for (const char* section : {"constraints", "weights"})
    EXPECT_EQ(properties_of(root["recommend"]["properties"][section]),
              keys_known_after(kStart + "recommend: {" + section + ": {zzz: 1}}\n"))
        << section;
}

TEST(Experiment, TakesTestsThatStandInIt) {
  const std::string text =
      "providers: [fake-a]\n"
      "defaultTest: {options: {cluster_key: id}, assert: [{type: not-contains, value: sorry}]}\n"
      "prompts: ['Look. {{question}}']\n"
      "tests:\n"
      "  - vars: {question: 'What colour?', image: suites/tiny/images/desk.png}\n"
      "    assert: [{type: contains, value: red}]\n"
      "suites:\n"
      "  - name: before_after\n"
      "    post_prompt: {en: Be brief., zh: 请简短回答。}\n"
      "    assert: [{type: change-list, value: [地板, 吊灯]}]\n"
      "    tests:\n"
      "      - {vars: {images: [a.png, b.png]}, prompts: [列出变化。]}\n"
      "  - {name: around, tests: tiny, prompts: ['{{question}} Think.'], pre_prompt: Hello.}\n";
  const Experiment experiment = parse_experiment(text, kSource / "tests/data/e.yaml", {kLibrary});
  ASSERT_EQ(experiment.suites.size(), 3u);
  const suites::Question& first = experiment.suites[0].tests.value().questions.at(0);
  EXPECT_EQ(experiment.suites[0].tests->name, "e");
  EXPECT_EQ(first.question, "Look. What colour?");
  EXPECT_EQ(first.cluster, first.id);
  EXPECT_EQ(first.key.parts.size(), 2u);
  EXPECT_EQ(first.line, 5);
  const suites::Question& second = experiment.suites[1].tests.value().questions.at(0);
  EXPECT_EQ(second.question, "列出变化。");
  EXPECT_EQ(second.scenario, "before_after");
  EXPECT_EQ(second.images.at(1).path, kSource / "tests/data/b.png");
  EXPECT_EQ(second.key.parts.back().grader, "changes");
  EXPECT_EQ(experiment.suites[1].after.zh, "请简短回答。");
  EXPECT_FALSE(experiment.suites[2].tests);
  EXPECT_EQ(experiment.suites[2].before.zh, "Hello.");
}

TEST(Experiment, PutsPromptsAroundQuestionsOfAFile) {
  const Experiment plain = parse_experiment(kStart, "e.yaml", {kLibrary});
  const Experiment around = parse_experiment(
      "providers: [fake-a]\nsuites: [{tests: tiny, prompts: ['{{question}} Why?', 'Say: "
      "{{question}}'], pre_prompt: Hello., post_prompt: {zh: 完。}}]\n",
      "e.yaml", {kLibrary});
  const Schedule asked = make_schedule(plain);
  const Schedule wrapped = make_schedule(around);
  ASSERT_EQ(wrapped.items.size(), 2 * asked.items.size());
  std::map<std::string, suites::Question> questions;
  for (const store::ItemRow& item : asked.items) questions[item.question.id] = item.question;
  for (const store::ItemRow& item : wrapped.items) {
    const std::string& id = item.question.id;
    const suites::Question& original = questions.at(id.substr(0, id.size() - 3));
    const std::string& text = item.question.question;
    if (!original.key.options.empty()) continue;
    const std::string end = original.lang == "zh" ? "\n完。" : "";
    EXPECT_EQ(text, "Hello.\n" +
                        (id.ends_with("-p1") ? original.question + " Why?"
                                             : "Say: " + original.question) +
                        end);
    EXPECT_EQ(item.question.cluster, original.cluster);
  }
}

TEST(Experiment, RefusesTestsByNameAndLine) {
  const std::string start = "providers: [fake-a]\n";
  const std::vector<std::pair<const char*, const char*>> refused = {
      {"suites: [{tests: [{vars: {question: q}}]}]\n", ":2: a suite whose tests stand here needs"},
      {"suites: [{name: n, tests: []}]\n", ":2: 'tests' is an empty list"},
      {"suites: [{tests: tiny, assert: [{type: exact, value: x}]}]\n", ":2: 'assert' goes with"},
      {"suites: [tiny]\nprompts: [Hi]\n", ":3: 'prompts' stands here without 'tests'"},
      {"tests:\n  - {vars: {question: q}, assert: [{type: nice}]}\n",
       ":3: no grader for assert type 'nice'"},
      {"tests: [{vars: {question: q}}]\ndefaultTest: {options: {cluster_key: x}}\n",
       ":3: 'cluster_key' is 'x', wanted image or id"},
      {"suites: [{tests: tiny, post_prompt: {fr: non}}]\n", ":2: unknown key 'fr'"},
  };
  for (const auto& [text, why] : refused)
    EXPECT_THAT(parse_error(start + text), HasSubstr(why)) << text;
  const Experiment unknown = parse_experiment(
      start + "suites: [{tests: tiny, prompts: ['{{mood}}']}]\n", "e.yaml", {kLibrary});
  EXPECT_THAT(error_of([&] { make_schedule(unknown); }),
              HasSubstr("e.yaml:2: the prompt wants the variable 'mood'"));
  const Experiment twice = parse_experiment(
      start +
          "tests: [{metadata: {id: a}, vars: {question: q}}, {metadata: {id: a}, vars: "
          "{question: r}}]\n",
      "e.yaml", {kLibrary});
  EXPECT_THAT(error_of([&] { make_schedule(twice); }), HasSubstr("e.yaml:2: question 'a'"));
}

}  // namespace
}  // namespace visavis::runner
