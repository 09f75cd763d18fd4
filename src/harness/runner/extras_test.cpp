// What is asked beside a run: calibration, equal lengths, two precisions, batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "harness/runner/calibrate.h"
#include "harness/runner/fake_host.h"
#include "harness/runner/fidelity.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::runner {
namespace {

using testing::HasSubstr;

class ExtrasTest : public testing::Test {
 protected:
  ExtrasTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("visavis_extras_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    experiment_.providers = {{"fake-a", "A", {}}, {"fake-b", "B", {}}};
    experiment_.suites = {
        {std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/suites/tiny", ""}};
    experiment_.warmup = 0;
    experiment_.revisits = 0;
  }
  ~ExtrasTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  Experiment experiment_;
  std::atomic<bool> stop_{false};
};

TEST_F(ExtrasTest, CalibrationAsksAFewOfEverySuiteThenOfEveryScenario) {
  const Schedule schedule = make_schedule(experiment_);
  const Schedule few = calibration_schedule(schedule);
  ASSERT_LE(few.items.size(), schedule.items.size());
  std::map<std::string, int> of_scenario;
  for (size_t i = 0; i < few.items.size(); ++i) {
    EXPECT_EQ(few.items[i].id, static_cast<int64_t>(i));
    ++of_scenario[few.items[i].question.scenario];
  }
  for (int i = 0; i < kCalibrationItems; ++i)
    EXPECT_EQ(few.items[static_cast<size_t>(i)].question.id,
              schedule.items[static_cast<size_t>(i)].question.id);
  std::map<std::string, int> there;
  for (const store::ItemRow& item : schedule.items) ++there[item.question.scenario];
  for (const auto& [scenario, count] : there)
    EXPECT_GE(of_scenario[scenario], std::min(count, kCalibrationItems)) << scenario;
}

TEST_F(ExtrasTest, CalibrationLeavesARunToGoBy) {
  FakeHost host(std::chrono::milliseconds(5));
  const Schedule schedule = make_schedule(experiment_);
  const store::RunData run = calibrate(experiment_, schedule, host, folder_, R"({"cpu":"x"})",
                                       stop_, base::steady_clock());
  EXPECT_EQ(run.answers.size(), 2 * calibration_schedule(schedule).items.size());
  EXPECT_EQ(run.run.machine, R"({"cpu":"x"})");
  EXPECT_TRUE(run.fixed_lengths.empty());
}

TEST_F(ExtrasTest, EqualLengthsAreKeptApartAndNotAskedTwice) {
  experiment_.fixed_items = 3;
  experiment_.fixed_tokens = 7;
  const Schedule schedule = make_schedule(experiment_);
  SilentProgress progress;
  RunOptions options;
  options.out = folder_;
  {
    FakeHost host;
    run(experiment_, schedule, host, options, stop_, base::steady_clock(), progress);
  }
  const store::RunData first = store::read_run(store_path(folder_));
  EXPECT_EQ(first.fixed_lengths.size(), 6u);
  EXPECT_EQ(first.answers.size(), 2 * schedule.items.size());
  for (const store::FixedLengthRow& row : first.fixed_lengths) EXPECT_LT(row.item, 3);
}

// Predictions over two tokens; the second model that is opened is less sure of the first one.
class ScoringHost : public FakeHost {
 public:
  chat::Scorer* scorer(chat::ChatModel&) override { return &scorer_; }
  void close(chat::ChatModel& model) override {
    FakeHost::close(model);
    scorer_.share = 0.75F;
  }

 private:
  class FakeScorer : public chat::Scorer {
   public:
    chat::Score score(const chat::ScoreRequest& request) override {
      chat::Score score;
      for (int i = 0; i < std::min(request.distributions, 2); ++i)
        score.distributions.push_back({std::log(share), std::log(1 - share)});
      return score;
    }
    float share = 0.5F;
  };
  FakeScorer scorer_;
};

TEST_F(ExtrasTest, TwoPrecisionsAreComparedTokenByToken) {
  experiment_.providers = {{"fake-a", "A", {}}, {"fake-a", "A #2", {}}};
  ScoringHost host;
  const Fidelities found = measure_fidelity(experiment_, make_schedule(experiment_), host, 5, 8,
                                            stop_, [](const std::string&) {});
  ASSERT_EQ(found.items.size(), 5u);
  for (const Fidelities::Item& item : found.items) {
    EXPECT_EQ(item.failure, "");
    ASSERT_EQ(item.divergences.size(), 2u);
    EXPECT_NEAR(item.divergences[0], 0.2075 * std::log(2), 1e-4);  // divergence_test.cpp
    EXPECT_TRUE(item.same_choices[0]);
    EXPECT_TRUE(item.same_text);
    EXPECT_EQ(item.right, item.reference_right);
  }
}

TEST_F(ExtrasTest, OtherCheckpointsAndModelsWithoutPredictionsAreRefused) {
  const auto error_of = [&](chat::ModelHost& host) -> std::string {
    try {
      measure_fidelity(experiment_, make_schedule(experiment_), host, 1, 8, stop_,
                       [](const std::string&) {});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  ScoringHost scoring;
  EXPECT_THAT(error_of(scoring), HasSubstr("are not the same checkpoint"));
  FakeHost silent;
  EXPECT_THAT(error_of(silent), HasSubstr("does not give log-probabilities"));
}

}  // namespace
}  // namespace visavis::runner
