#include "harness/plan/forecast.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "harness/stats/planning.h"

namespace visavis::plan {
namespace {

store::ItemRow item_row(int64_t id, const std::string& scenario) {
  store::ItemRow item;
  item.id = id;
  item.question.id = "q" + std::to_string(id);
  item.question.scenario = scenario;
  return item;
}

store::ModelRow model_row(int64_t id, const std::string& name) {
  store::ModelRow model;
  model.id = id;
  model.label = model.provider = name;
  return model;
}

const char* const kMachine = R"({"cpu":"x","cores":2,"gpus":[{"name":"T4","clock":1}]})";

// Questions of two scenarios in turn, one model.
Task make_task(int64_t questions) {
  Task task;
  task.models = {model_row(0, "m")};
  task.suites.resize(1);
  task.suites[0].name = "s";
  task.suites[0].scenarios = {{.id = "short", .title = {}, .graded = true},
                              {.id = "long", .title = {}, .graded = true}};
  for (int64_t i = 0; i < questions; ++i)
    task.items.push_back(item_row(i, i % 2 == 0 ? "short" : "long"));
  task.machine = kMachine;
  return task;
}

// An earlier run of the task's first questions: 1 s for short ones and 3 s for long ones, with some
// scatter, 0.5 s of other things per answer and a load of 7 s.
store::RunData make_run(const Task& task, int64_t answers, double scatter = 0.05) {
  store::RunData run;
  base::Rng rng(9);
  run.run.machine = kMachine;
  run.models = task.models;
  run.models[0].facts.name = "m";
  run.models[0].facts.load_seconds = 7;
  run.suites = task.suites;
  run.items = task.items;
  double wall = 7;
  for (int64_t i = 0; i < answers; ++i) {
    store::AnswerRow answer;
    answer.item = i;
    answer.timing.e2e = (i % 2 == 0 ? 1 : 3) * (1 + scatter * (2 * rng.uniform() - 1));
    wall += answer.timing.e2e + 0.5;
    run.answers.push_back(answer);
  }
  run.sessions = {
      {.id = 1, .started_at = "", .load_seconds = 7, .wall_seconds = wall, .ending = ""}};
  return run;
}

TEST(Forecast, AddsUpScenariosLoadAndTheRest) {
  const Task task = make_task(200);
  const std::vector<store::RunData> runs = {make_run(task, 20)};
  const Forecast found = forecast(task, runs);
  ASSERT_TRUE(found.seconds);
  EXPECT_NEAR(found.seconds->value, 7 + 100 * 1 + 100 * 3 + 200 * 0.5, 8);
  EXPECT_LT(found.seconds->low, found.seconds->value);
  EXPECT_FALSE(found.estimate);
  EXPECT_FALSE(found.cost);
  EXPECT_EQ(found.models[0].answers_known, 20);
  EXPECT_NEAR(found.models[0].question->value, 2, 0.1);
}

TEST(Forecast, CountsWhatIsAskedBesideTheQuestionsByItsOwnTimes) {
  Task task = make_task(200);
  store::RunData run = make_run(task, 20);
  const double without = forecast(task, std::vector{run}).seconds->value;
  for (int i = 0; i < 4; ++i) {
    store::RevisitRow revisit;
    revisit.item = i;
    revisit.wall = run.answers[static_cast<size_t>(i)].timing.e2e / 2;
    run.revisits.push_back(revisit);
    run.sessions[0].wall_seconds += revisit.wall;
    run.fixed_lengths.push_back({.item = i, .e2e = 5});
    run.sessions[0].wall_seconds += 5;
    run.warmups.push_back({.session = 1, .item = i, .e2e = 4, .failure = ""});
    run.sessions[0].warmup_seconds += 4;
    run.sessions[0].wall_seconds += 4;
  }
  EXPECT_NEAR(forecast(task, std::vector{run}).seconds->value, without, 1e-6) << "not the rest";
  task.warmup = 2;
  task.revisits = 8;
  task.fixed_items = 3;
  const double with = forecast(task, std::vector{run}).seconds->value;
  EXPECT_NEAR(with - without, 2 * 4 + 8 * 2 * 0.5 + 3 * 5, 0.3) << "a question takes 2 s";
}

TEST(Forecast, OfThreeScatteredAnswersIsARangeThatSaysSo) {
  const Task task = make_task(200);
  const std::vector<store::RunData> runs = {make_run(task, 3, 0.9)};
  const Forecast found = forecast(task, runs);
  ASSERT_TRUE(found.seconds);
  EXPECT_TRUE(found.estimate);
  EXPECT_GT(found.seconds->high, 1.2 * found.seconds->value);
}

TEST(Forecast, CountsMoneyAndSaysWhatDoesNotFit) {
  Task task = make_task(200);
  const std::vector<store::RunData> runs = {make_run(task, 40)};
  task.limits = {.price_per_hour = 3.6, .max_cost = 0.3, .max_seconds = 3600};
  Forecast found = forecast(task, runs);
  EXPECT_NEAR(found.cost->value, 0.507, 0.01);  // 0.001 a second
  EXPECT_TRUE(found.over_cost);
  EXPECT_FALSE(found.over_time);
  EXPECT_NEAR(static_cast<double>(*found.affordable), (300 - 7) / 2.5, 4);
  task.limits.max_items = 100;
  found = forecast(task, runs);
  EXPECT_EQ(found.questions, 100);
  EXPECT_FALSE(found.over_cost);
  EXPECT_FALSE(found.affordable);
}

TEST(Forecast, KnowsNothingOfOtherMachinesModelsAndOptions) {
  const Task task = make_task(10);
  std::vector<store::RunData> runs = {make_run(task, 10)};
  runs[0].run.machine = R"({"cpu":"x","cores":4})";
  EXPECT_FALSE(forecast(task, runs).seconds);
  runs[0].run.machine = kMachine;
  runs[0].models[0].options = {{"weights", "int8"}};
  EXPECT_FALSE(forecast(task, runs).seconds);
  EXPECT_FALSE(forecast(task, {}).seconds);
  EXPECT_FALSE(forecast(task, {}).detectable.empty());
}

TEST(Forecast, FromOtherQuestionsIsAnEstimate) {
  Task task = make_task(100);
  const std::vector<store::RunData> runs = {make_run(task, 40)};
  task.suites[0].name = "another";
  const Forecast found = forecast(task, runs);
  ASSERT_TRUE(found.seconds);
  EXPECT_TRUE(found.estimate);
}

// 200 runs of 60 questions, each forecast from 10: the range must hold what happens as often as it
// says.
TEST(Forecast, HoldsWhatHappensAsOftenAsItSays) {
  int held = 0;
  constexpr int kRuns = 300;
  for (int run = 0; run < kRuns; ++run) {
    const Task task = make_task(60);
    base::Rng rng(static_cast<uint64_t>(run), "what happens");
    store::RunData earlier = make_run(task, 10);
    double happened = 7 + 60 * 0.5;
    double rest = 7;
    for (store::AnswerRow& answer : earlier.answers) {
      answer.timing.e2e = (answer.item % 2 == 0 ? 1 : 3) * (0.5 + rng.uniform());
      rest += answer.timing.e2e + 0.5;
    }
    earlier.sessions[0].wall_seconds = rest;
    for (int i = 0; i < 60; ++i) happened += (i % 2 == 0 ? 1 : 3) * (0.5 + rng.uniform());
    const Range range = *forecast(task, std::vector{earlier}).seconds;
    held += range.low <= happened && happened <= range.high ? 1 : 0;
  }
  EXPECT_GE(held, 0.92 * kRuns);
}

TEST(Detectable, IsAssumedFromDiscordanceAndClusters) {
  Task task = make_task(300);
  task.models.push_back(model_row(1, "n"));
  auto found = detectable(task, {});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].questions, 300);
  EXPECT_NEAR(found[0].low, 0.072, 5e-4);  // as planning_test.cpp, from the published table
  EXPECT_NEAR(found[0].high, 0.102, 5e-4);
  EXPECT_FALSE(found[0].from_runs);
  for (store::ItemRow& item : task.items) item.question.cluster = std::to_string(item.id / 4);
  found = detectable(task, {});
  EXPECT_EQ(found[0].groups, 75);
  EXPECT_NEAR(found[0].low, 0.072 * std::sqrt(1 + 3 * kAssumedCorrelation), 1e-3);
}

TEST(Detectable, IsTakenFromEarlierRunsOfBothModels) {
  Task task = make_task(400);
  task.models.push_back(model_row(1, "n"));
  store::RunData run = make_run(task, 0);
  for (int64_t i = 0; i < 100; ++i) {
    for (int64_t model = 0; model < 2; ++model) {
      store::GradeRow grade;
      grade.item = i;
      grade.model = model;
      const bool right = model == 0 ? i % 10 != 0 : i % 10 != 1;  // 20 % discordant, no difference
      grade.grade.verdict = right ? graders::Verdict::full : graders::Verdict::wrong;
      run.grades.push_back(grade);
    }
  }
  const auto found = detectable(task, std::vector{run});
  EXPECT_TRUE(found[0].from_runs);
  EXPECT_NEAR(found[0].low, stats::detectable_difference(0.2, 400), 1e-3);
}

TEST(SameMachine, LooksAtProcessorAndCardsNotAtClocks) {
  EXPECT_TRUE(same_machine(kMachine, R"({"cpu":"x","cores":2,"gpus":[{"name":"T4","clock":9}]})"));
  EXPECT_FALSE(same_machine(kMachine, R"({"cpu":"x","cores":2,"gpus":[{"name":"L4"}]})"));
  EXPECT_FALSE(same_machine(kMachine, "damaged"));
  EXPECT_TRUE(same_machine("", kMachine));
}

}  // namespace
}  // namespace visavis::plan
