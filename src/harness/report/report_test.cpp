#include "harness/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/results_json.h"
#include "harness/report/sections.h"
#include "harness/report/words.h"

namespace visavis::report {
namespace {

using graders::Verdict;
using testing::HasSubstr;
using testing::Not;

store::AnswerRow answer_row(int64_t model, int64_t item, std::string text, double e2e) {
  store::AnswerRow row;
  row.model = model;
  row.item = item;
  row.text = std::move(text);
  row.characters = 4;
  row.usage.completion_tokens = 3;
  row.timing.ttft = e2e / 2;
  row.timing.tpot = e2e / 4;
  row.timing.e2e = e2e;
  return row;
}

store::GradeRow grade_row(int64_t model, int64_t item, Verdict verdict) {
  store::GradeRow row{.model = model, .item = item, .grader = "exact", .grade = {}};
  row.grade.verdict = verdict;
  row.grade.score = verdict == Verdict::full ? 1 : verdict == Verdict::partial ? 0.5 : 0;
  return row;
}

// Two models and eight questions: six in "office" (model A right on all, B on none), one in "shelf"
// that failed for B, one photograph that is not graded.
store::RunData small_run() {
  store::RunData run;
  run.run.description = "A against B";
  run.run.seed = 7;
  run.run.order = "abba";
  run.run.state = "complete";
  run.run.limits.price_per_hour = 3.6;
  run.models = {{.id = 0, .label = "A", .provider = "a", .options = {}, .facts = {}},
                {.id = 1, .label = "B", .provider = "b", .options = {}, .facts = {}}};
  run.models[0].facts.memory.weights = 100 << 20;
  run.models[1].facts.memory.weights = 200 << 20;
  run.suites = {{.id = 0,
                 .name = "t",
                 .title = {},
                 .description = {},
                 .scenarios = {{.id = "office", .title = {"Office", "办公"}, .graded = true},
                               {.id = "shelf", .title = {"Shelf", "货架"}, .graded = true},
                               {.id = "photo", .title = {"Photos", "照片"}, .graded = false}}}};
  for (int64_t i = 0; i < 8; ++i) {
    store::ItemRow item;
    item.id = i;
    item.question.id = "q" + std::to_string(i);
    item.question.scenario = i < 6 ? "office" : i == 6 ? "shelf" : "photo";
    item.question.lang = i % 2 == 0 ? "zh" : "en";
    item.question.question = "What </script> is it?";
    item.question.key.answers = {"yes"};
    run.items.push_back(item);
    const bool failed = i == 6;
    run.answers.push_back(answer_row(0, i, "yes", 1.0));
    run.answers.push_back(answer_row(1, i, failed ? "" : "no", 2.0));
    if (failed) run.answers.back().failure = "picture 'x' is truncated";
    run.grades.push_back(grade_row(0, i, i == 7 ? Verdict::shown : Verdict::full));
    run.grades.push_back(grade_row(1, i,
                                   i == 7   ? Verdict::shown
                                   : failed ? Verdict::failed
                                            : Verdict::wrong));
  }
  run.sessions = {{.id = 1, .started_at = "", .wall_seconds = 30, .ending = "complete"}};
  return run;
}

const Group& group_of(const Results& results, const std::string& key) {
  for (const Group& group : results.groups)
    if (group.key == key) return group;
  throw std::runtime_error("no group " + key);
}

TEST(Results, CountsOnlyGradedScenariosAndEveryFailure) {
  const Results results = compute_results(small_run());
  const Cell& a = group_of(results, "all").cells[0];
  const Cell& b = group_of(results, "all").cells[1];
  EXPECT_EQ(a.items, 8);
  EXPECT_EQ(a.graded, 7);
  EXPECT_EQ(a.full, 7);
  EXPECT_EQ(b.wrong, 6);
  EXPECT_EQ(b.failed, 1);
  EXPECT_DOUBLE_EQ(a.accuracy, 1.0);
  EXPECT_EQ(b.e2e_all.size(), 7u) << "a failed answer has no latency";
}

TEST(Results, SixToNothingIsDecidedAndOneQuestionIsNot) {
  const Results results = compute_results(small_run());
  EXPECT_EQ(group_of(results, "scenario:t/office").pairs[0].decision, verdict::Decision::undecided)
      << "p = 0.031 in a family of two tests is 0.0625 after Holm";
  EXPECT_EQ(group_of(results, "all").pairs[0].decision, verdict::Decision::first_better);
  EXPECT_EQ(group_of(results, "scenario:t/shelf").pairs[0].decision,
            verdict::Decision::cannot_decide);
}

TEST(Results, CostsFollowFromPriceAndLatency) {
  const Cell a = group_of(compute_results(small_run()), "all").cells[0];
  // 3.6 an hour is 0.001 a second; one second a question makes 1 per 1000.
  EXPECT_NEAR(*a.cost_per_1000, 1.0, 1e-9);
  EXPECT_NEAR(*a.cost_per_correct, 0.001, 1e-9);
  EXPECT_NEAR(*a.characters_per_second, 4.0, 1e-9);
}

TEST(Results, CostOfARightAnswerHasAnIntervalAroundIt) {
  store::RunData run = small_run();
  for (store::GradeRow& grade : run.grades)
    if (grade.model == 0 && grade.item == 3) grade.grade.verdict = Verdict::wrong;
  const Cell a = group_of(compute_results(std::move(run)), "all").cells[0];
  ASSERT_TRUE(a.cost_per_correct_interval);
  EXPECT_LT(a.cost_per_correct_interval->low, *a.cost_per_correct);
  EXPECT_GT(a.cost_per_correct_interval->high, *a.cost_per_correct);
  EXPECT_FALSE(group_of(compute_results(small_run()), "all").cells[1].cost_per_correct_interval)
      << "no answer is right";
}

TEST(Results, TimesAddUpToTheRunAndSpeedsArePaired) {
  store::RunData run = small_run();
  run.sessions[0].load_seconds = 3;
  run.sessions[0].warmup_seconds = 2;
  const Results results = compute_results(std::move(run));
  EXPECT_DOUBLE_EQ(results.time.total(), 30);
  EXPECT_DOUBLE_EQ(results.time.answers, 8 * 1.0 + 8 * 2.0);
  EXPECT_DOUBLE_EQ(results.time.rest, 1);
  ASSERT_EQ(group_of(results, "all").speeds.size(), 1u);
  EXPECT_NEAR(group_of(results, "all").speeds[0].ratio.estimate, 0.5, 1e-9);
  EXPECT_EQ(group_of(results, "all").speeds[0].items, 7) << "one answer of B failed";
  EXPECT_THAT(markdown_report(results, "en"), HasSubstr("| 7 | 0.50 [0.50 - 0.50] |"));
  EXPECT_THAT(markdown_report(results, "en"), HasSubstr("energy of the cards: n/a"));
  EXPECT_THAT(markdown_report(results, "zh"), HasSubstr("显卡能耗: 无数据"));
}

TEST(Results, PercentilesOfFewAnswersAreMarked) {
  const Cell a = group_of(compute_results(small_run()), "all").cells[0];
  EXPECT_TRUE(a.e2e.p95_is_weak);
  EXPECT_TRUE(a.e2e.p50_interval.has_value());
  EXPECT_FALSE(a.e2e.p95_interval.has_value()) << "eight answers bound no 95th percentile";
  EXPECT_THAT(markdown_report(compute_results(small_run()), "en"), HasSubstr("1.00 s*"));
}

TEST(Report, RecommendsForTheUsesThatTheRunHasQuestionsOf) {
  const Results results = compute_results(small_run());
  std::vector<std::string> keys;
  for (const auto& recommendation : results.recommendations) keys.push_back(recommendation.key);
  EXPECT_THAT(keys, testing::IsSupersetOf({"all", "profile:budget", "profile:memory"}));
  EXPECT_THAT(keys, Not(testing::Contains("profile:several_pictures")));
}

TEST(Report, TellsAWorseModelFromAWorsePrecision) {
  store::RunData run = small_run();
  std::vector<verdict::FidelityItem> items;
  for (int i = 0; i < 400; ++i)
    items.push_back({.cluster = i, .graded = true, .right = true, .reference_right = true});
  verdict::Fidelity fidelity = verdict::summarise(items);
  fidelity.model = "B";
  fidelity.weights = "int4";
  fidelity.against = "bf16";
  run.fidelity = {{1, verdict::fidelity_json(fidelity)}};
  const std::string report = markdown_report(compute_results(std::move(run)), "en");
  EXPECT_THAT(report, HasSubstr("What quantising changed"));
  EXPECT_THAT(report, HasSubstr("the model is worse, not only its int4 form: A leads B by"));
}

TEST(Report, SaysHowToCheckAndRepeatTheRun) {
  store::RunData run = small_run();
  run.run.machine = R"({"cpu":"x86","gpus":[{"name":"T4","driver":"550.1","sm_clock_mhz":585}]})";
  run.run.build = R"({"version":"1.2","command":["visavis","compare"],"experiment":"suites: [a]"})";
  run.run.plan = R"({"suites":[{"name":"t","content_sha256":"abc"}]})";
  run.run.limits.prices = {{"T4", "here", "CNY", 1.5, "2026-01-01", "bill"}};
  const std::string report = markdown_report(compute_results(std::move(run)), "en");
  for (const char* fact : {"550.1", "585", "1.2", "visavis compare", "suites: [a]", "abc",
                           "1.5 CNY/h, 2026-01-01: bill"})
    EXPECT_THAT(report, HasSubstr(fact));
}

TEST(Results, AnEmptyRunHasNoFiguresAndDoesNotFail) {
  store::RunData run = small_run();
  run.answers.clear();
  run.grades.clear();
  run.run.state = "interrupted";
  const Results results = compute_results(run);
  EXPECT_EQ(results.groups.front().cells[0].answered, 0);
  EXPECT_TRUE(results.recommendations.empty());
  EXPECT_THAT(results.notes.front().en, HasSubstr("0 of 16"));
  EXPECT_THAT(terminal_report(results, "en"), HasSubstr("Figures"));
  EXPECT_THAT(html_report(results, "en"), HasSubstr("application/json"));
}

TEST(Results, RevisitsStandBesideTheMeasuredTimes) {
  store::RunData run = small_run();
  EXPECT_THAT(markdown_report(compute_results(run), "en"), Not(HasSubstr("seen before (n)")));
  for (int64_t item = 0; item < 4; ++item) {
    store::RevisitRow row{.model = 0, .item = item};
    row.usage = {.prompt_tokens = 100, .image_tokens = 64, .cached_prompt_tokens = 64};
    row.timing = {.vision = 0, .ttft = 0.125};
    row.same = item > 0;
    if (item == 3) row.failure = "out of luck";
    run.revisits.push_back(row);
  }
  const Results results = compute_results(run);
  const Revisits& seen = results.models[0].revisits;
  EXPECT_EQ(seen.asked, 4);
  EXPECT_EQ(seen.failed, 1);
  EXPECT_EQ(seen.same, 2);
  EXPECT_EQ(seen.ttft, 0.125);
  EXPECT_EQ(seen.first_ttft, 0.5);
  EXPECT_EQ(seen.cached_prompt_tokens, 192);
  EXPECT_EQ(results.models[1].revisits.asked, 0);
  EXPECT_EQ(group_of(results, "all").cells[0].ttft.p50, 0.5);
  EXPECT_THAT(markdown_report(results, "en"), HasSubstr("| 500 ms → 125 ms (3) | - |"));
  const base::Json model = summary_json(results).at("models").at(0).at("seen_before");
  EXPECT_EQ(model.at("ttft_p50"), 0.125);
  EXPECT_EQ(model.at("first_ttft_p50"), 0.5);
  EXPECT_EQ(model.at("asked"), 4);
}

TEST(Report, HtmlCannotBeBrokenOutOfByAQuestion) {
  const std::string html = html_report(compute_results(small_run()), "en");
  EXPECT_THAT(html, Not(HasSubstr("What </script>")));
  EXPECT_THAT(html, HasSubstr("What \\u003c/script>"));
  EXPECT_THAT(html, Not(HasSubstr("@DATA@")));
  EXPECT_THAT(html, HasSubstr("default-src 'none'")) << "the page asks for nothing from outside";
}

TEST(Report, APeakThatNobodyMeasuredIsNone) {
  store::RunData run = small_run();
  run.models[0].facts.memory.host_peak = run.models[0].facts.memory.device_peak = 0;
  const base::Json memory = summary_json(compute_results(run))["models"][0]["memory"];
  EXPECT_TRUE(memory["peak"].is_null());
}

TEST(Report, SpeaksBothLanguages) {
  const Results results = compute_results(small_run());
  EXPECT_THAT(markdown_report(results, "zh"), HasSubstr("办公"));
  EXPECT_THAT(markdown_report(results, "en"), HasSubstr("Office"));
  EXPECT_THAT(terminal_report(results, "zh"), HasSubstr("准确率"));
}

TEST(Report, EveryWordOfThePageIsKnown) {
  const base::Json words = words_json();
  for (const char* key : {"recommendation", "summary_note", "plot_cost_axis", "show_disagree"})
    EXPECT_TRUE(words.contains(key)) << key;
  for (const Word& entry : report::words()) {
    EXPECT_NE(std::string(entry.en), "") << entry.key;
    EXPECT_NE(std::string(entry.zh), "") << entry.key;
  }
}

TEST(TextTable, ChineseCharactersTakeTwoColumns) {
  EXPECT_EQ(display_width("中文ab"), 6);
  EXPECT_EQ(terminal_table({"", "x"}, {{"中", "1"}, {"ab", "22"}}),
            "     x\n------\n中   1\nab  22\n");
}

TEST(TextTable, MarkdownEscapesBars) {
  EXPECT_EQ(markdown_table({"a"}, {{"x|y\nz"}}), "| a |\n|---|\n| x\\|y z |\n");
}

}  // namespace
}  // namespace visavis::report
