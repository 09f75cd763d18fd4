// Models that answer several requests at once, answers of earlier runs, several samples of a
// question, and runs that stop when they are decided.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "harness/runner/fake_host.h"
#include "harness/runner/runner.h"
#include "harness/runner/schedule.h"
#include "harness/store/store.h"

namespace visavis::runner {
namespace {

using testing::HasSubstr;

// Answers each request on a thread of its own after `delay`; knows how many were under way.
class ManyHandedModel : public chat::ChatModel {
 public:
  ManyHandedModel(std::string name, int parallel, std::chrono::milliseconds delay) : delay_(delay) {
    facts_.name = std::move(name);
    facts_.remote = true;
    facts_.parallel = parallel;
    facts_.price_prompt = 1e6;  // one a prompt token
    facts_.price_completion = 0;
  }
  ~ManyHandedModel() override {
    for (std::thread& thread : threads_) thread.join();
  }
  const chat::ModelFacts& facts() const override { return facts_; }
  chat::Ticket submit(chat::Request request, chat::Sink& sink) override {
    const std::string question = std::get<chat::Text>(request.turns.at(0).parts.back()).text;
    {
      const std::lock_guard lock(mutex_);
      most_at_once = std::max(most_at_once, ++under_way_);
      ++asked;
    }
    threads_.emplace_back([this, question, label = request.sampling.seed_label, &sink] {
      for (auto left = delay_; left.count() > 0 && !cancelled_;
           left -= std::chrono::milliseconds(1))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      {
        const std::lock_guard lock(mutex_);
        --under_way_;
      }
      chat::Completion completion;
      completion.text = "answer to " + question + " of " + label;
      completion.finish = cancelled_ ? chat::Finish::cancelled : chat::Finish::stop;
      completion.usage.prompt_tokens = 1;
      completion.timing.e2e = 0.001;
      sink.on_done(std::move(completion));
    });
    return static_cast<chat::Ticket>(threads_.size());
  }
  void cancel(chat::Ticket) override { cancelled_ = true; }

  int most_at_once = 0;
  int asked = 0;

 private:
  chat::ModelFacts facts_;
  std::chrono::milliseconds delay_;
  std::mutex mutex_;
  int under_way_ = 0;
  std::atomic<bool> cancelled_{false};
  std::vector<std::thread> threads_;
};

// "far..." are many-handed, everything else is FakeHost's.
class MixedHost : public chat::ModelHost {
 public:
  std::vector<std::string> known() const override { return {}; }
  chat::ChatModel& open(const std::string& model, const chat::ModelOptions& options) override {
    if (!model.starts_with("far")) return fakes.open(model, options);
    auto& slot = far[model];
    if (!slot) slot = std::make_unique<ManyHandedModel>(model, 4, delay);
    return *slot;
  }
  chat::Scorer* scorer(chat::ChatModel&) override { return nullptr; }
  void close(chat::ChatModel&) override {}

  FakeHost fakes;
  std::chrono::milliseconds delay{5};
  std::map<std::string, std::unique_ptr<ManyHandedModel>> far;
};

class FarModelsTest : public testing::Test {
 protected:
  FarModelsTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("visavis_far_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::ofstream file(folder_ / "q.jsonl");
    for (int i = 0; i < 60; ++i)
      file << base::dump_json({{"id", "q" + std::to_string(i)},
                               {"question", "q" + std::to_string(i)},
                               {"answer", "3"},
                               {"scenario", i % 3 == 0 ? "rare" : "common"}})
           << "\n";
    experiment_.suites = {{folder_ / "q.jsonl", ""}};
    experiment_.warmup = 0;
    experiment_.revisits = 0;
  }
  ~FarModelsTest() override { std::filesystem::remove_all(folder_); }

  Ending start(const char* out = "out", bool resume = false) {
    RunOptions options;
    options.out = folder_ / out;
    options.resume = resume;
    return run(experiment_, make_schedule(experiment_), host_, options, stop_, base::steady_clock(),
               progress_);
  }
  store::RunData data(const char* out = "out") const {
    return store::read_run(store_path(folder_ / out));
  }
  // Whether the answers are those of the first questions of the run, from every model.
  static bool is_paired_beginning(const store::RunData& run) {
    const size_t models = run.models.size();
    if (run.answers.size() % models != 0) return false;
    std::set<int64_t> items;
    for (const store::AnswerRow& answer : run.answers) items.insert(answer.item);
    return items.size() * models == run.answers.size() &&
           (items.empty() || *items.rbegin() == static_cast<int64_t>(items.size()) - 1);
  }

  std::filesystem::path folder_;
  Experiment experiment_;
  MixedHost host_;
  std::atomic<bool> stop_{false};
  SilentProgress progress_;
};

TEST_F(FarModelsTest, GetSeveralQuestionsAtOnceAndEveryQuestionOnce) {
  experiment_.providers = {{"far-a", "A", {}}, {"far-b", "B", {}}};
  EXPECT_EQ(start(), Ending::complete);
  EXPECT_EQ(data().answers.size(), 120u);
  for (const auto& [name, model] : host_.far) {
    EXPECT_EQ(model->asked, 60) << name;
    EXPECT_GT(model->most_at_once, 1) << name;
    EXPECT_LE(model->most_at_once, 4) << name;
  }
  for (const store::AnswerRow& answer : data().answers)
    EXPECT_THAT(
        answer.text,
        HasSubstr("answer to " +
                  data().items.at(static_cast<size_t>(answer.item)).question.question + " of"));
}

TEST_F(FarModelsTest, NeverAnswerWhileAModelThatTakesTurnsIsTimed) {
  experiment_.providers = {{"fake-a", "A", {}}, {"far-b", "B", {}}};
  EXPECT_EQ(start(), Ending::complete);
  const store::RunData run = data();
  EXPECT_EQ(run.answers.size(), 120u);
  // Sixteen questions of the one, then the same of the other.
  for (const store::AnswerRow& answer : run.answers)
    EXPECT_EQ(answer.model,
              answer.sequence < 96 ? answer.sequence / 16 % 2 : (answer.sequence - 96) / 12 % 2)
        << answer.sequence;
}

TEST_F(FarModelsTest, LimitsLeaveAPairedStratifiedSample) {
  experiment_.providers = {{"far-a", "A", {{"price_prompt", "1e6"}}}, {"far-b", "B", {}}};
  experiment_.limits.max_cost = 50;  // one an answer
  EXPECT_EQ(start(), Ending::budget);
  store::RunData run = data();
  EXPECT_TRUE(is_paired_beginning(run));
  EXPECT_GT(run.answers.size(), 20u);
  EXPECT_LE(run.answers.size(), 50u);
  double rare = 0;
  for (const store::AnswerRow& answer : run.answers)
    rare += run.items.at(static_cast<size_t>(answer.item)).question.scenario == "rare" ? 1 : 0;
  EXPECT_NEAR(rare / static_cast<double>(run.answers.size()), 1.0 / 3, 0.08);
  experiment_.limits = {};
  experiment_.limits.max_items = 30;
  EXPECT_EQ(start("out", true), Ending::limit);
  EXPECT_TRUE(is_paired_beginning(data()));
  EXPECT_EQ(data().answers.size(), 60u);
  experiment_.limits = {};
  EXPECT_EQ(start("out", true), Ending::complete);
  EXPECT_EQ(data().answers.size(), 120u);
}

TEST_F(FarModelsTest, StopAtOnceWhenTheUserWantsIt) {
  experiment_.providers = {{"far-a", "A", {}}};
  host_.delay = std::chrono::milliseconds(60'000);
  std::thread user([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop_ = true;
  });
  EXPECT_EQ(start(), Ending::interrupted);
  user.join();
  EXPECT_TRUE(data().answers.empty()) << "broken off answers are no answers";
}

TEST_F(FarModelsTest, SamplesAreAskedApartAndBelongTogether) {
  experiment_.providers = {{"far-a", "A", {}}};
  experiment_.samples = 3;
  EXPECT_THROW(make_schedule(experiment_), Error) << "greedy answers are all the same";
  experiment_.generation.sampling.temperature = 1;
  EXPECT_EQ(start(), Ending::complete);
  const store::RunData run = data();
  EXPECT_EQ(run.answers.size(), 180u);
  std::set<std::string> texts;
  std::set<std::string> clusters;
  for (const store::AnswerRow& answer : run.answers) texts.insert(answer.text);
  for (const store::ItemRow& item : run.items) clusters.insert(store::cluster_name(item));
  EXPECT_EQ(texts.size(), 180u) << "every sample has a random stream of its own";
  EXPECT_EQ(clusters.size(), 60u);
  experiment_.samples = 2;
  EXPECT_THROW(start("out", true), Error) << "another plan";
}

TEST_F(FarModelsTest, TakeAnswersOfAnEarlierRunWhenAsked) {
  experiment_.providers = {{"fake-a", "A", {}}, {"far-b", "B", {}}};
  experiment_.limits.max_items = 20;
  EXPECT_EQ(start("first"), Ending::limit);
  experiment_.limits = {};
  host_.fakes.log.clear();
  host_.far.clear();
  experiment_.reuse_answers = {folder_ / "first"};
  EXPECT_EQ(start(), Ending::complete);
  EXPECT_EQ(host_.fakes.log.size(), 40u);
  EXPECT_EQ(host_.far.at("far-b")->asked, 40);
  const store::RunData run = data();
  EXPECT_EQ(run.answers.size(), 120u);
  const store::RunData first = data("first");
  int reused = 0;
  for (const store::AnswerRow& answer : run.answers) {
    if (answer.reused_from.empty()) continue;
    ++reused;
    EXPECT_THAT(answer.reused_from, HasSubstr((folder_ / "first").string()));
    EXPECT_TRUE(std::any_of(first.answers.begin(), first.answers.end(), [&](const auto& other) {
      return other.content_key == answer.content_key && other.text == answer.text;
    }));
  }
  EXPECT_EQ(reused, 40);
}

TEST_F(FarModelsTest, TakeNothingThatWasAskedOtherwise) {
  experiment_.providers = {{"fake-a", "A", {}}};
  EXPECT_EQ(start("first"), Ending::complete);
  experiment_.reuse_answers = {folder_ / "first"};
  const auto asked_anew = [&](const char* out) {
    host_.fakes.log.clear();
    EXPECT_EQ(start(out), Ending::complete);
    return host_.fakes.log.size();
  };
  EXPECT_EQ(asked_anew("same"), 0u);
  experiment_.generation.max_tokens = 7;
  EXPECT_EQ(asked_anew("length"), 60u);
  experiment_.generation.max_tokens.reset();
  experiment_.generation.sampling.temperature = 0.5;
  EXPECT_EQ(asked_anew("warm"), 60u);
  experiment_.generation.sampling.temperature = 0;
  experiment_.providers[0].options = {{"weights", "int8"}};
  EXPECT_EQ(asked_anew("options"), 60u);
  experiment_.providers = {{"fake-b", "A", {}}};
  EXPECT_EQ(asked_anew("model"), 60u);
}

TEST_F(FarModelsTest, KeysAndPasswordsAreRefusedBeforeAnythingIsStored) {
  for (const Provider& bad : {Provider{"http://h/v1#m", "", {{"api_key", "sk-secret"}}, ""},
                              Provider{"http://h/v1#m", "", {{"api_key_env", "sk-secret"}}, ""},
                              Provider{"http://me:sk-secret@h/v1#m", "", {}, ""}}) {
    experiment_.providers = {bad};
    try {
      make_schedule(experiment_);
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("environment variable"));
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("secret")));
    }
  }
}

}  // namespace
}  // namespace visavis::runner
