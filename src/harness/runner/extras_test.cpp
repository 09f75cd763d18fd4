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
// Models of another name read other tokens. The first question to each has no picture.
class ScoringHost : public FakeHost {
 public:
  chat::Scorer* scorer(chat::ChatModel& model) override {
    scorer_.name = model.facts().name;
    return &scorer_;
  }
  void close(chat::ChatModel& model) override {
    FakeHost::close(model);
    scorer_.share = 0.75F;
    scorer_.first = true;
  }
  const std::vector<chat::ScoreRequest>& asked() const { return scorer_.asked; }

 private:
  class FakeScorer : public chat::Scorer {
   public:
    chat::Score score(const chat::ScoreRequest& request) override {
      asked.push_back(request);
      chat::Score score;
      score.prompt_token_ids = {name.back()};
      for (int i = 0; i < std::min(request.distributions, 2); ++i) {
        score.distributions.push_back({std::log(share), std::log(1 - share)});
        score.continuation_ids.push_back(i);
        score.continuation_logprobs.push_back(score.distributions.back()[static_cast<size_t>(i)]);
      }
      if (request.layer_rows > 0 && !first) score.layers.push_back({"tower", 2, {1, 1}});
      if (request.layer_rows > 0) score.layers.push_back({"text", 2, {share, 0.5F}});
      first = false;
      return score;
    }
    std::string name;
    float share = 0.5F;
    bool first = true;
    std::vector<chat::ScoreRequest> asked;
  };
  FakeScorer scorer_;
};

TEST_F(ExtrasTest, TwoPrecisionsAreComparedTokenByToken) {
  experiment_.providers = {{"fake-a", "A", {}}, {"fake-a", "A #2", {}}};
  ScoringHost host;
  const Fidelities found =
      measure_fidelity(experiment_, make_schedule(experiment_), host,
                       {.limit = 5, .tokens = 8, .traced = 2}, stop_, [](const std::string&) {});
  ASSERT_EQ(found.items.size(), 5u);
  ASSERT_EQ(found.layers.size(), 2u);
  EXPECT_EQ(found.layers[0].name, "tower");
  EXPECT_EQ(found.layers[0].error.value(), 0);
  EXPECT_NEAR(found.layers[1].error.value(), std::sqrt(0.0625 / 0.5), 1e-6);
  for (const Fidelities::Item& item : found.items) {
    EXPECT_EQ(item.failure, "");
    ASSERT_EQ(item.divergences.size(), 2u);
    EXPECT_NEAR(item.divergences[0], 0.2075 * std::log(2), 1e-4);  // divergence_test.cpp
    EXPECT_NEAR(item.surprises[0], -std::log(0.75), 1e-6);
    EXPECT_NEAR(item.surprises[1], -std::log(0.25), 1e-6);
    EXPECT_NEAR(item.reference_surprises[1], -std::log(0.5), 1e-6);
    EXPECT_TRUE(item.same_choices[0]);
    EXPECT_TRUE(item.same_text);
    EXPECT_EQ(item.right, item.reference_right);
  }
}

TEST_F(ExtrasTest, PiecesOfATextArePredictedInsteadOfAnswers) {
  experiment_.providers = {{"fake-a", "A", {}}, {"fake-a", "A #2", {}}};
  ScoringHost host;
  const Fidelities found =
      measure_fidelity(experiment_, make_schedule(experiment_), host,
                       {.tokens = 8, .traced = 0, .texts = {{"One", " two"}, {"three", " four"}}},
                       stop_, [](const std::string&) {});
  ASSERT_EQ(found.items.size(), 2u);
  EXPECT_TRUE(found.layers.empty());
  EXPECT_FALSE(found.items[0].graded);
  EXPECT_NE(found.items[0].cluster, found.items[1].cluster);
  EXPECT_EQ(found.items[1].surprises.size(), 2u);
  const std::vector<chat::ScoreRequest>& asked = host.asked();
  ASSERT_EQ(asked.size(), 4u);
  EXPECT_TRUE(asked[1].plain);
  EXPECT_EQ(std::get<chat::Text>(asked[1].turns.at(0).parts.at(0)).text, "three");
  EXPECT_EQ(asked[1].continuation, " four");
  EXPECT_TRUE(host.log.empty()) << "nobody was to answer";
}

TEST(TextPieces, FollowEachOtherAndCutNoWordAndNoCharacter) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "word" + std::to_string(i) + (i % 9 == 0 ? "\n" : " ");
  std::string chinese;
  for (int i = 0; i < 900; ++i) chinese += "会";
  for (const std::string& whole : {text, chinese}) {
    const std::vector<TextPiece> pieces = text_pieces(whole, 32);
    ASSERT_GT(pieces.size(), 3u);
    std::string again;
    for (const TextPiece& piece : pieces) {
      EXPECT_LE(piece.opening.size(), 384u);
      EXPECT_LE(piece.continuation.size(), 192u);
      EXPECT_FALSE(piece.continuation.empty());
      again += piece.opening + piece.continuation;
      for (const std::string& part : {piece.opening, piece.continuation}) {
        if (whole == text)
          EXPECT_TRUE(part.front() == 'w' || part.front() == ' ' || part.front() == '\n') << part;
        else
          EXPECT_EQ(part.size() % 3, 0u);
      }
    }
    EXPECT_TRUE(whole.starts_with(again));
    EXPECT_GT(again.size() + 384, whole.size());
  }
  EXPECT_TRUE(text_pieces("", 32).empty());
  EXPECT_TRUE(text_pieces("too short", 32).empty());
  EXPECT_EQ(text_pieces(std::string(400, 'x'), 32).size(), 1u);
  EXPECT_GT(text_pieces(std::string(4000, '\x80'), 1).size(), 3u);  // not UTF-8
}

TEST_F(ExtrasTest, OtherModelsAndModelsWithoutPredictionsAreRefused) {
  const auto error_of = [&](chat::ModelHost& host) -> std::string {
    try {
      measure_fidelity(experiment_, make_schedule(experiment_), host, {.limit = 1}, stop_,
                       [](const std::string&) {});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  ScoringHost scoring;
  EXPECT_THAT(error_of(scoring), HasSubstr("read a question as different tokens (1 and 1 of"));
  FakeHost silent;
  EXPECT_THAT(error_of(silent), HasSubstr("does not give log-probabilities"));
}

}  // namespace
}  // namespace visavis::runner
