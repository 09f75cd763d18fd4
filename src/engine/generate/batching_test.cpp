// Sequences join and leave at any step: every answer is the one that its request gets alone, nobody
// waits for another's prompt or pictures, and every page comes back. The scheduler is driven step
// by step, on a clock that counts steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <iostream>
#include <optional>
#include <thread>

#include "base/rng.h"
#include "engine/generate/golden_model.h"

namespace visavis::generate {
namespace {

/// Seconds are steps.
class StepClock : public base::Clock {
 public:
  int64_t now_ns() const override { return steps_ * 1'000'000'000; }
  void tick() { ++steps_; }

 private:
  std::atomic<int64_t> steps_ = 0;
};

/// Hands everything to a model, but prepares only while its gate is open.
class GatedModel : public models::Model {
 public:
  explicit GatedModel(std::unique_ptr<models::Model> model) : model_(std::move(model)) {}

  void open_gate(bool open) {
    {
      const std::lock_guard lock(mutex_);
      open_ = open;
    }
    changed_.notify_all();
  }

  const char* architecture() const override { return model_->architecture(); }
  const models::Dimensions& dimensions() const override { return model_->dimensions(); }
  const std::vector<int32_t>& stop_ids() const override { return model_->stop_ids(); }
  bool multi_image_trained() const override { return model_->multi_image_trained(); }
  int64_t checkpoint_bytes() const override { return model_->checkpoint_bytes(); }
  int64_t parameters() const override { return model_->parameters(); }
  const text::Tokenizer& tokenizer() const override { return model_->tokenizer(); }
  const std::vector<load::PlannedTensor>& planned() const override { return model_->planned(); }
  models::Prompt prepare(const std::vector<chat::Turn>& turns) const override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
    lock.unlock();
    return model_->prepare(turns);
  }
  void place_text(models::Prompt& prompt) const override { model_->place_text(prompt); }
  models::ModelMemory plan(const models::Limits& limits) const override {
    return model_->plan(limits);
  }
  void load(ops::Ops& ops) override { model_->load(ops); }
  models::ImageFeatures encode(const models::PatchGrid& picture, tensor::Arena& workspace,
                               tensor::Arena& features) override {
    return model_->encode(picture, workspace, features);
  }
  void forward(const ops::StepBatch& batch, const std::vector<models::ImageRows>& images,
               const std::vector<ops::KvView>& kv, tensor::View logit_rows,
               tensor::Arena& workspace, tensor::MutView logits) override {
    most_rows_ = std::max(most_rows_, batch.tokens);
    most_sequences_ = std::max(most_sequences_, batch.sequences);
    model_->forward(batch, images, kv, logit_rows, workspace, logits);
  }

  int64_t most_rows() const { return most_rows_; }
  int64_t most_sequences() const { return most_sequences_; }

 private:
  std::unique_ptr<models::Model> model_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool open_ = true;
  int64_t most_rows_ = 0;
  int64_t most_sequences_ = 0;
};

/// A scheduler whose steps the test makes itself.
class Driven {
 public:
  Driven(const LocalModelOptions& options)
      : model_(models::open_model(options.folder, options.open)),
        limits_(limits_of(options, model_)) {
    loop_.call([&](ops::Ops& ops) {
      model_.load(ops);
      const MemoryPlan plan = plan_memory(model_, limits_, options.vision_cache, ops);
      loop_.reserve_workspace(plan.workspace);
      scheduler_ = std::make_unique<Scheduler>(model_, loop_, ops, limits_, plan,
                                               options.prefix_cache, clock_);
    });
  }
  ~Driven() {
    model_.open_gate(true);
    loop_.call([this](ops::Ops&) {
      scheduler_->cancel_all();
      scheduler_.reset();
    });
  }

  Scheduler& scheduler() { return *scheduler_; }
  GatedModel& model() { return model_; }

  /// False if there was nothing to do, or only to wait for a prompt.
  bool step() {
    bool worked = false;
    loop_.call([&](ops::Ops&) { worked = scheduler_->step(); });
    clock_.tick();
    if (!worked) std::this_thread::sleep_for(std::chrono::microseconds(50));
    return worked;
  }
  PageLedger::Counts pages() {
    PageLedger::Counts counts;
    loop_.call([&](ops::Ops&) { counts = scheduler_->page_counts(); });
    return counts;
  }
  int64_t all_pages() const { return limits_.batch * KvPool::pages_for(limits_.context); }

  chat::Completion alone(const chat::Request& request) {
    Keep keep;
    std::future<chat::Outcome> outcome = keep.future();
    scheduler_->submit(request, keep);
    while (outcome.wait_for(std::chrono::seconds(0)) != std::future_status::ready) step();
    return std::get<chat::Completion>(outcome.get());
  }

 private:
  DeviceLoop loop_{test_ops()};
  GatedModel model_;
  models::Limits limits_;
  StepClock clock_;
  std::unique_ptr<Scheduler> scheduler_;
};

LocalModelOptions options_for(const std::string& model, int64_t batch, int64_t chunk,
                              load::Precision weights = load::Precision::f32) {
  LocalModelOptions options = golden_options(model, weights);
  options.context = model.starts_with("qwen_vl_") ? 1024 : 512;  // some of their prompts are long
  options.batch = batch;
  options.chunk = chunk;
  return options;
}

class Batching : public testing::TestWithParam<Loaded> {};

/// A request as it arrives, and what becomes of it.
struct Arrival {
  chat::Request request;
  uint64_t at_step = 0;
  uint64_t cancel_at_step = UINT64_MAX;
  chat::Ticket ticket = 0;
  Keep keep = {};
  std::future<chat::Outcome> outcome = keep.future();
};

/// `greedy`: what is chosen is always the best token.
chat::Request random_request(const std::vector<GoldenCase>& cases, size_t i, bool greedy,
                             base::Rng& rng) {
  chat::Request request{.turns = cases[i % cases.size()].turns,
                        .max_tokens = static_cast<int>(1 + rng.below(20))};
  // Two beginnings of more than a page, so that prompts have something in common.
  const std::string opening(130, rng.below(2) == 0 ? 'a' : 'b');
  request.turns.insert(request.turns.begin(),
                       {.role = chat::Role::system, .parts = {chat::Text{opening}}});
  request.sampling = {.temperature = rng.below(2) == 0 ? 0.0f : 0.8f,
                      .top_k = 40,
                      .repetition_penalty = 1.1f,
                      .seed = 3,
                      .seed_label = "item " + std::to_string(i)};
  if (greedy) request.sampling = {};
  request.reuse = rng.below(3) > 0;
  return request;
}

/// The distance between the two best logits where `tokens` has its token `at`.
float gap_at(SteppedModel& model, const chat::Request& request, const std::vector<int64_t>& tokens,
             size_t at) {
  const models::Prompt prompt = model.model().prepare(request.turns);
  std::vector<int32_t> answer(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  std::vector<float> logits =
      model.logits(prompt, model.encode(prompt), answer, prompt.tokens()).back();
  std::partial_sort(logits.begin(), logits.begin() + 2, logits.end(), std::greater<>());
  return logits[0] - logits[1];
}

/// Equal up to where the reference's two best logits are nearly equal; true if they end there.
bool same_answer(const std::vector<int64_t>& found, const std::vector<int64_t>& wanted,
                 const std::function<float(size_t)>& gap_of, double nearly) {
  const auto [one, other] = std::mismatch(found.begin(), found.end(), wanted.begin(), wanted.end());
  if (one == found.end() && other == wanted.end()) return false;
  const auto at = static_cast<size_t>(one - found.begin());
  if (one == found.end() || other == wanted.end() || gap_of(at) >= nearly) {
    ADD_FAILURE() << "token " << at << " of " << testing::PrintToString(found) << ", wanted "
                  << testing::PrintToString(wanted);
  }
  return true;
}

TEST_P(Batching, EveryAnswerIsTheOneThatItsRequestGetsAlone) {
  const auto& [model, weights] = GetParam();
  // A card adds in another order for another number of rows, and rounds what it added.
  const bool rounded = tests_on_cuda() && weights != load::Precision::f32;
  constexpr double kNearlyEqual = 1e-2;
  std::optional<SteppedModel> reference;
  if (rounded) reference.emplace(options_for(model, 1, 512, weights));
  int parted = 0;
  const std::vector<GoldenCase> cases = golden_cases(model);
  base::Rng rng(11, model);
  std::vector<chat::Request> requests;
  std::vector<std::vector<int64_t>> expected;
  {
    Driven one(options_for(model, 1, 512, weights));
    for (size_t i = 0; i < 2 * cases.size(); ++i) {
      requests.push_back(random_request(cases, i, rounded, rng));
      chat::Request fresh = requests.back();
      fresh.reuse = false;
      expected.push_back(one.alone(fresh).token_ids);
    }
  }
  for (const int64_t batch : {1, 2, 4, 8}) {
    SCOPED_TRACE("batch " + std::to_string(batch));
    Driven driven(options_for(model, batch, 24, weights));
    std::vector<std::unique_ptr<Arrival>> arrivals;
    for (size_t i = 0; i < requests.size(); ++i) {
      arrivals.push_back(std::make_unique<Arrival>());
      Arrival& arrival = *arrivals.back();
      arrival.request = requests[i];
      arrival.at_step = rng.below(60);
      if (rng.below(5) == 0) arrival.cancel_at_step = arrival.at_step + rng.below(30);
    }
    size_t waiting = arrivals.size();
    for (uint64_t step = 0; waiting > 0; ++step) {
      waiting = 0;
      for (const auto& arrival : arrivals) {
        if (step == arrival->at_step) {
          arrival->ticket = driven.scheduler().submit(arrival->request, arrival->keep);
        }
        if (step == arrival->cancel_at_step) driven.scheduler().cancel(arrival->ticket);
        waiting += arrival->outcome.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
      }
      driven.step();
      const PageLedger::Counts pages = driven.pages();
      ASSERT_EQ(pages.free + pages.kept + pages.held, driven.all_pages());
    }
    for (size_t i = 0; i < arrivals.size(); ++i) {
      SCOPED_TRACE("request " + std::to_string(i));
      const auto completion = std::get<chat::Completion>(arrivals[i]->outcome.get());
      std::vector<int64_t> wanted = expected[i];
      if (completion.finish == chat::Finish::cancelled) {
        ASSERT_LE(completion.token_ids.size(), wanted.size());
        wanted.resize(completion.token_ids.size());
      }
      if (!rounded) {
        EXPECT_EQ(completion.token_ids, wanted);
        continue;
      }
      const auto gap = [&](size_t at) { return gap_at(*reference, requests[i], expected[i], at); };
      parted += same_answer(completion.token_ids, wanted, gap, kNearlyEqual);
    }
    driven.step();
    EXPECT_EQ(driven.pages().held, 0);
    EXPECT_LE(driven.model().most_sequences(), batch);
    EXPECT_LE(driven.model().most_rows(), 24 + batch);
    EXPECT_GE(driven.model().most_sequences(), std::min<int64_t>(batch, 2));
  }
  if (rounded)
    std::cout << parted << " of " << 4 * requests.size()
              << " answers part at nearly equal logits\n";
}

std::vector<Loaded> checkpoints() {
  std::vector<Loaded> all = {{"llava_hub", load::Precision::int4},
                             {"next_mistral", load::Precision::int4},
                             {"qwen_grouped", load::Precision::int4},
                             {"qwen25_saved", load::Precision::int4},
                             {"qwen25_published", load::Precision::int8}};
  for (const std::string& model : golden_names()) all.push_back({model, load::Precision::f32});
  return all;
}

INSTANTIATE_TEST_SUITE_P(EveryCheckpoint, Batching, testing::ValuesIn(checkpoints()),
                         [](const auto& info) { return info.param.name(); });

/// Steps until the request has so many pieces of text; false if it ended before.
bool step_until(Driven& driven, const Keep& keep, int pieces) {
  for (int i = 0; i < 5000 && keep.pieces < pieces; ++i) driven.step();
  return keep.pieces >= pieces;
}

TEST(BatchingSteps, APromptThatIsFedStopsNobodyWhoIsBeingDecoded) {
  Driven driven(options_for("qwen_grouped", 2, 8));
  Keep talking;
  Keep joining;
  std::future<chat::Outcome> talked = talking.future();
  std::future<chat::Outcome> joined = joining.future();
  const chat::Ticket ticket = driven.scheduler().submit(text_request("Tell me.", 400), talking);
  ASSERT_TRUE(step_until(driven, talking, 3));
  driven.scheduler().submit(text_request(std::string(150, 'a'), 5), joining);
  while (joined.wait_for(std::chrono::seconds(0)) != std::future_status::ready) driven.step();
  driven.scheduler().cancel(ticket);
  driven.step();
  const auto completion = std::get<chat::Completion>(joined.get());
  EXPECT_GT(completion.usage.prompt_tokens, 4 * 8);  // many chunks
  const auto other = std::get<chat::Completion>(talked.get());
  const double began = other.token_times.front();
  ASSERT_GT(other.token_times.size(), 20u);
  for (size_t i = 0; i < other.token_times.size(); ++i) {
    // One token at every step.
    EXPECT_NEAR(other.token_times[i], began + static_cast<double>(i), 1e-6);
  }
}

TEST(BatchingSteps, APictureThatIsDecodedStopsNobodyAndCanBeCancelled) {
  Driven driven(options_for("qwen_grouped", 2, 64));
  Keep talking;
  Keep slow;
  Keep behind;
  std::future<chat::Outcome> talked = talking.future();
  std::future<chat::Outcome> dropped = slow.future();
  std::future<chat::Outcome> answered = behind.future();
  driven.scheduler().submit(text_request("Tell me.", 60), talking);
  ASSERT_TRUE(step_until(driven, talking, 1));
  driven.model().open_gate(false);
  const chat::Ticket ticket =
      driven.scheduler().submit(picture_request("photo_320x240.jpg", "What is it?"), slow);
  driven.scheduler().submit(text_request("Hello", 5), behind);
  while (talked.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    ASSERT_TRUE(driven.step());
  }
  EXPECT_EQ(std::get<chat::Completion>(talked.get()).token_ids.size(), 60u);
  driven.scheduler().cancel(ticket);
  driven.step();
  ASSERT_EQ(dropped.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(std::get<chat::Completion>(dropped.get()).finish, chat::Finish::cancelled);
  driven.model().open_gate(true);
  while (answered.wait_for(std::chrono::seconds(0)) != std::future_status::ready) driven.step();
  EXPECT_FALSE(std::get<chat::Completion>(answered.get()).token_ids.empty());
}

TEST(BatchingSteps, CancellingFreesThePagesAtTheNextStep) {
  Driven driven(options_for("qwen_grouped", 1, 64));
  Keep hog;
  Keep next;
  std::future<chat::Outcome> cut = hog.future();
  std::future<chat::Outcome> answered = next.future();
  const chat::Ticket ticket = driven.scheduler().submit(text_request("Tell me.", 480), hog);
  ASSERT_TRUE(step_until(driven, hog, 80));
  EXPECT_EQ(driven.pages().held, driven.all_pages());
  driven.scheduler().cancel(ticket);
  driven.step();
  EXPECT_EQ(driven.pages().held, 0);
  EXPECT_GE(driven.pages().kept, 1);  // what was said is known, but in nobody's way
  EXPECT_EQ(std::get<chat::Completion>(cut.get()).finish, chat::Finish::cancelled);
  driven.scheduler().submit(text_request("Say more.", 480), next);
  while (answered.wait_for(std::chrono::seconds(0)) != std::future_status::ready) driven.step();
  EXPECT_EQ(std::get<chat::Completion>(answered.get()).token_ids.size(), 480u);
}

TEST(BatchingSteps, SequencesThatRunTogetherShareThePagesOfTheirPrefix) {
  Driven driven(options_for("qwen_grouped", 2, 512));
  const std::string text(300, 'x');
  Keep first;
  Keep second;
  std::future<chat::Outcome> one = first.future();
  std::future<chat::Outcome> two = second.future();
  driven.scheduler().submit(text_request(text + "1", 40), first);
  ASSERT_TRUE(step_until(driven, first, 1));
  const int64_t held = driven.pages().held;
  driven.scheduler().submit(text_request(text + "2", 40), second);
  ASSERT_TRUE(step_until(driven, second, 1));
  EXPECT_LT(driven.pages().held, 2 * held);
  while (two.wait_for(std::chrono::seconds(0)) != std::future_status::ready) driven.step();
  const auto completion = std::get<chat::Completion>(two.get());
  EXPECT_GE(completion.usage.cached_prompt_tokens, KvPool::kPageSize);
  const auto alone = driven.alone(text_request(text + "2", 40));
  EXPECT_EQ(completion.token_ids, alone.token_ids);
}

}  // namespace
}  // namespace visavis::generate
