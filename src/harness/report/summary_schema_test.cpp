// summary.json keeps to its published schema.
//
// With sanitizers g++ 12 warns about its own <regex>, which the validator includes (GCC bug
// 105562).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "base/files.h"
#include "base/json.h"
#include "harness/report/results_json.h"

namespace visavis::report {
namespace {

using Json = nlohmann::json;

// What is wrong with the document, a line each.
std::string complaints(const Json& document) {
  const Json published = Json::parse(
      base::read_file(std::filesystem::path(VISAVIS_SOURCE_DIR) / "docs/summary.schema.json"));
  valijson::Schema schema;
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(published), schema);
  valijson::ValidationResults results;
  valijson::Validator validator;
  const valijson::adapters::NlohmannJsonAdapter adapter(document);
  if (validator.validate(schema, adapter, &results)) return "";
  std::string lines;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    for (const std::string& step : error.context) lines += step;
    lines += ": " + error.description + "\n";
  }
  return lines;
}

Json summary_of(store::RunData run) {
  return Json::parse(base::dump_json(summary_json(compute_results(std::move(run)))));
}

// A run with something of everything that summary.json can hold.
store::RunData full_run() {
  store::RunData run;
  run.run.seed = 7;
  run.run.order = "abba";
  run.run.state = "complete";
  run.run.machine = R"({"cpu":"x"})";
  run.run.limits.price_per_hour = 2;
  run.run.limits.prices = {{"T4", "a", "CNY", 1.5, "2026-01-01", "s"}};
  for (int64_t m = 0; m < 2; ++m) {
    store::ModelRow model;
    model.id = m;
    model.label = m == 0 ? "A" : "B";
    model.facts.effort.step_bytes = 1e9;
    run.models.push_back(model);
  }
  store::SuiteRow suite;
  suite.name = "t";
  suite.scenarios = {{.id = "s", .title = {}, .graded = true}};
  run.suites = {suite};
  for (int64_t i = 0; i < 12; ++i) {
    store::ItemRow item;
    item.id = i;
    item.question.id = std::to_string(i);
    item.question.scenario = "s";
    item.question.lang = i % 2 == 0 ? "zh" : "en";
    item.question.difficulty = 1 + static_cast<int>(i % 3);
    run.items.push_back(item);
    for (int64_t m = 0; m < 2; ++m) {
      store::AnswerRow answer;
      answer.model = m;
      answer.item = i;
      answer.usage = {.prompt_tokens = 100, .image_tokens = 80, .completion_tokens = 9};
      answer.timing.ttft = 0.1;
      answer.timing.e2e = 0.2 + 0.01 * static_cast<double>(i + m);
      answer.energy_joules = 3;
      run.answers.push_back(answer);
      store::GradeRow grade;
      grade.model = m;
      grade.item = i;
      grade.grade.verdict = i % (2 + m) == 0 ? graders::Verdict::wrong : graders::Verdict::full;
      grade.grade.score = i % (2 + m) == 0 ? 0 : 1;
      run.grades.push_back(grade);
    }
  }
  run.sessions = {
      {.id = 1, .started_at = "", .wall_seconds = 9, .ending = "complete", .energy_joules = 99}};
  run.fixed_lengths = {{.model = 0,
                        .item = 0,
                        .session = 1,
                        .completion_tokens = 64,
                        .characters = 80,
                        .ttft = .1,
                        .tpot = .01,
                        .e2e = .8}};
  verdict::Fidelity fidelity = verdict::summarise({});
  fidelity.model = "A";
  run.fidelity = {{0, verdict::fidelity_json(fidelity)}};
  return run;
}

TEST(SummarySchema, HoldsForARunWithEverything) {
  const Json summary = summary_of(full_run());
  EXPECT_EQ(complaints(summary), "");
  EXPECT_EQ(summary["models"][0]["elsewhere"]["cards"].size(), 1u);
  EXPECT_EQ(summary["models"][0]["joules_per_answer"], 3.0);
  EXPECT_EQ(summary["costs"]["energy_joules"], 99.0);
  EXPECT_EQ(summary["fidelity"].size(), 1u);
}

TEST(SummarySchema, HoldsForARunWithoutAnswers) {
  store::RunData run = full_run();
  run.answers.clear();
  run.grades.clear();
  run.sessions.clear();
  run.run.limits = {};
  EXPECT_EQ(complaints(summary_of(std::move(run))), "");
}

TEST(SummarySchema, WithoutACounterThereIsNoEnergyRatherThanZero) {
  store::RunData run = full_run();
  run.answers[0].energy_joules = -1;
  run.sessions[0].energy_joules = -1;
  const Json summary = summary_of(std::move(run));
  EXPECT_TRUE(summary["models"][0]["joules_per_answer"].is_null());
  EXPECT_EQ(summary["models"][1]["joules_per_answer"], 3.0);
  EXPECT_TRUE(summary["costs"]["energy_joules"].is_null());
}

TEST(SummarySchema, TellsWhatIsMissingOrUnknown) {
  Json summary = summary_of(full_run());
  summary["models"][0].erase("label");
  EXPECT_THAT(complaints(summary), testing::HasSubstr("label"));
  summary = summary_of(full_run());
  summary["costs"]["tip"] = 1;
  EXPECT_THAT(complaints(summary), testing::HasSubstr("tip"));
}

}  // namespace
}  // namespace visavis::report
