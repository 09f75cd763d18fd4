// Many requests at once, cancelling, failures and limits, on one of the tiny checkpoints.
#include "engine/generate/scheduler.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "engine/generate/golden_model.h"

namespace visavis::generate {
namespace {

class SchedulerTest : public testing::Test {
 protected:
  LocalModel& open(int64_t batch, int64_t context = 1024, int64_t chunk = 16) {
    LocalModelOptions options = golden_options("qwen_grouped");
    options.batch = batch;
    options.context = context;
    options.chunk = chunk;
    model_ = std::make_unique<LocalModel>(loop_, options, base::steady_clock());
    return *model_;
  }

  DeviceLoop loop_{test_ops()};
  std::unique_ptr<LocalModel> model_;
};

TEST_F(SchedulerTest, ManyThreadsGetTheAnswersOfOneAfterTheOther) {
  std::vector<chat::Request> requests;
  for (int i = 0; i < 12; ++i) {
    requests.push_back(i % 3 == 0
                           ? picture_request("size_64x64.png", "What is it? " + std::to_string(i))
                           : text_request("Question " + std::to_string(i)));
    requests.back().sampling = {.temperature = 0.8f,
                                .top_k = 40,
                                .top_p = 0.95f,
                                .repetition_penalty = 1.1f,
                                .seed = 5,
                                .seed_label = "item " + std::to_string(i)};
  }
  std::vector<std::vector<int64_t>> alone;
  {
    LocalModel& model = open(1, 1024, 512);
    for (const chat::Request& request : requests) {
      alone.push_back(std::get<chat::Completion>(chat::complete(model, request)).token_ids);
    }
    model_.reset();
  }
  LocalModel& model = open(3);
  std::vector<std::vector<int64_t>> together(requests.size());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < requests.size(); i += 4) {
        together[i] = std::get<chat::Completion>(chat::complete(model, requests[i])).token_ids;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(together, alone);
}

TEST_F(SchedulerTest, CancellingInTheMiddleKeepsWhatIsThereAndLeavesTheOthersAlone) {
  LocalModel& model = open(2);
  const auto expected =
      std::get<chat::Completion>(chat::complete(model, text_request("Tell me.", 40)));
  Keep other;
  Keep stopped;
  stopped.model = &model;
  stopped.cancel_after = 3;
  model.submit(text_request("Tell me.", 40), other);
  stopped.ticket = model.submit(text_request("Tell me more.", 900), stopped);
  const chat::Completion cut = stopped.completion();
  EXPECT_EQ(cut.finish, chat::Finish::cancelled);
  EXPECT_LT(cut.token_ids.size(), 900u);
  EXPECT_EQ(cut.text, stopped.streamed);
  EXPECT_EQ(other.completion().token_ids, expected.token_ids);
}

TEST_F(SchedulerTest, CancellingWhatWaitsAnswersAtOnceAndUnknownTicketsAreIgnored) {
  LocalModel& model = open(1);
  Keep running;
  Keep waiting;
  const chat::Ticket first = model.submit(text_request("One", 900), running);
  const chat::Ticket second = model.submit(text_request("Two", 900), waiting);
  model.cancel(second + 1000);
  model.cancel(second);
  const chat::Completion dropped = waiting.completion();
  EXPECT_EQ(dropped.finish, chat::Finish::cancelled);
  EXPECT_TRUE(dropped.token_ids.empty());
  model.cancel(first);
  EXPECT_EQ(running.completion().finish, chat::Finish::cancelled);
}

TEST_F(SchedulerTest, UnloadingCancelsWhatIsInFlight) {
  open(1);
  Keep running;
  Keep waiting;
  model_->submit(text_request("One", 900), running);
  model_->submit(text_request("Two", 900), waiting);
  model_.reset();
  EXPECT_EQ(running.completion().finish, chat::Finish::cancelled);
  EXPECT_EQ(waiting.completion().finish, chat::Finish::cancelled);
}

TEST_F(SchedulerTest, OneRequestsErrorIsItsOwnFailure) {
  LocalModel& model = open(2);
  Keep good;
  Keep bad;
  Keep empty;
  model.submit(text_request("Fine"), good);
  chat::Request broken = picture_request("size_64x64.png", "What?");
  std::get<chat::Image>(broken.turns[0].parts[0]).bytes =
      std::make_shared<const std::string>("not a picture");
  model.submit(broken, bad);
  model.submit({}, empty);
  EXPECT_TRUE(std::holds_alternative<chat::Failure>(bad.wait()));
  EXPECT_TRUE(std::holds_alternative<chat::Failure>(empty.wait()));
  EXPECT_FALSE(good.completion().token_ids.empty());
}

TEST_F(SchedulerTest, APromptLongerThanTheContextIsRefusedWithTheNumbers) {
  LocalModel& model = open(1, 64);
  const chat::Outcome outcome =
      chat::complete(model, picture_request("photo_320x240.jpg", std::string(200, 'a')));
  ASSERT_TRUE(std::holds_alternative<chat::Failure>(outcome));
  const std::string message = std::get<chat::Failure>(outcome).message;
  EXPECT_NE(message.find("the context is 64"), std::string::npos) << message;
  EXPECT_NE(message.find("35 of pictures"), std::string::npos) << message;
  // What fits is answered to the last free token.
  const chat::Completion completion =
      std::get<chat::Completion>(chat::complete(model, text_request("Hi", 30)));
  EXPECT_LE(completion.token_ids.size(), 30u);
}

TEST_F(SchedulerTest, StopStringsAndMaxTokensEndTheAnswer) {
  LocalModel& model = open(1);
  const auto all = std::get<chat::Completion>(chat::complete(model, text_request("Tell me.", 30)));
  ASSERT_GT(all.text.size(), 8u);
  const auto some = std::get<chat::Completion>(chat::complete(model, text_request("Tell me.", 3)));
  EXPECT_EQ(some.finish, chat::Finish::length);
  EXPECT_EQ(some.token_ids.size(), 3u);
  chat::Request stopping = text_request("Tell me.", 30);
  stopping.stop = {some.text.substr(some.text.size() - 1)};
  const auto cut = std::get<chat::Completion>(chat::complete(model, stopping));
  EXPECT_EQ(cut.finish, chat::Finish::stop);
  EXPECT_EQ(cut.text, all.text.substr(0, all.text.find(stopping.stop[0])));
}

TEST_F(SchedulerTest, ExactLengthGoesOnBehindWhatEndsAnAnswer) {
  LocalModel& model = open(1);
  const auto all = std::get<chat::Completion>(chat::complete(model, text_request("Tell me.", 8)));
  chat::Request request = text_request("Tell me.", 12);
  request.stop = {all.text.substr(0, 1)};
  EXPECT_LT(std::get<chat::Completion>(chat::complete(model, request)).token_ids.size(), 12u);
  request.exact_length = true;
  const auto exact = std::get<chat::Completion>(chat::complete(model, request));
  EXPECT_EQ(exact.token_ids.size(), 12u);
  EXPECT_EQ(exact.finish, chat::Finish::length);
}

TEST_F(SchedulerTest, WholePredictionsOfAContinuationHoldItsLogprobs) {
  LocalModel& model = open(1);
  const auto turns = text_request("Hello", 6).turns;
  const chat::Score score =
      model.score({.turns = turns, .continuation = "good day to you", .distributions = 2});
  ASSERT_GE(score.continuation_ids.size(), 2u);
  ASSERT_EQ(score.distributions.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    double sum = 0;
    for (const float logprob : score.distributions[i])
      sum += std::exp(static_cast<double>(logprob));
    EXPECT_NEAR(sum, 1, 1e-4);
    EXPECT_EQ(score.distributions[i][static_cast<size_t>(score.continuation_ids[i])],
              score.continuation_logprobs[i]);
  }
}

TEST_F(SchedulerTest, LogprobsOfGreedyTokensEqualTheScorersOfTheSameText) {
  LocalModel& model = open(1);
  chat::Request request = text_request("Hello", 6);
  request.logprobs = true;
  const auto completion = std::get<chat::Completion>(chat::complete(model, request));
  ASSERT_EQ(completion.logprobs.size(), completion.token_ids.size());
  const chat::Score score = model.score({.turns = request.turns, .top = 5});
  ASSERT_EQ(score.top.size(), 5u);
  EXPECT_EQ(score.top[0].id, completion.token_ids[0]);
  EXPECT_NEAR(score.top[0].logprob, completion.logprobs[0], 1e-5f);
  EXPECT_NEAR(score.top[0].logit - score.logsumexp, score.top[0].logprob, 1e-5f);
  for (size_t i = 1; i < score.top.size(); ++i) {
    EXPECT_GE(score.top[i - 1].logit, score.top[i].logit);
  }
}

TEST_F(SchedulerTest, AContinuationIsScoredTokenByToken) {
  LocalModel& model = open(2);
  const std::string continuation = "A longer continuation, of more rows than one step scores.";
  const std::vector<chat::Turn> turns = {{.parts = {chat::Text{"Hello"}}}};
  const chat::Score score = model.score({.turns = turns, .continuation = continuation});
  const auto ids = model.model().tokenizer().encode_plain(continuation);
  ASSERT_GT(ids.size(), 2 * static_cast<size_t>(StepBuffers::kScoredRows));
  ASSERT_EQ(score.continuation_ids, std::vector<int64_t>(ids.begin(), ids.end()));
  ASSERT_EQ(score.continuation_logprobs.size(), ids.size());

  SteppedModel stepped(golden_options("qwen_grouped"));
  const models::Prompt prompt = stepped.model().prepare(turns);
  const auto logits = stepped.logits(prompt, {}, ids, 512);
  for (size_t i = 0; i < ids.size(); ++i) {
    const double expected =
        static_cast<double>(logits[i][static_cast<size_t>(ids[i])]) - log_sum_exp(logits[i]);
    EXPECT_NEAR(score.continuation_logprobs[i], expected, 1e-4) << i;
  }
}

TEST_F(SchedulerTest, ScoringABadPictureThrows) {
  LocalModel& model = open(1);
  chat::Image image = picture_file("size_64x64.png");
  image.bytes = std::make_shared<const std::string>(image.bytes->substr(0, 20));
  EXPECT_THROW(model.score({.turns = {{.parts = {image}}}}), Error);
}

TEST_F(SchedulerTest, TimesAreInOrderAndTheSplitAddsUp) {
  LocalModel& model = open(1);
  const auto completion = std::get<chat::Completion>(
      chat::complete(model, picture_request("photo_320x240.jpg", "What is it?")));
  const chat::Timing& timing = completion.timing;
  ASSERT_EQ(completion.token_times.size(), completion.token_ids.size());
  EXPECT_TRUE(std::is_sorted(completion.token_times.begin(), completion.token_times.end()));
  EXPECT_GT(timing.image_decode, 0);
  EXPECT_GT(timing.image_resize, 0);
  EXPECT_GT(timing.vision, 0);
  EXPECT_GT(timing.prefill, 0);
  EXPECT_DOUBLE_EQ(timing.ttft_device, timing.vision + timing.prefill);
  EXPECT_GE(timing.ttft, timing.image_decode + timing.image_resize + timing.ttft_device);
  EXPECT_GE(timing.e2e, completion.token_times.back());
  EXPECT_EQ(completion.usage.image_tokens, 35);
  EXPECT_FALSE(completion.notes.empty());
  EXPECT_GT(completion.memory.host_peak, 0);
}

TEST_F(SchedulerTest, APlanThatCannotFitIsRefusedBeforeLoading) {
  const models::Limits limits{.context = 4096, .batch = 8};
  const MemoryPlan plan{.weights = 4'000'000'000, .vision = 1'000'000'000, .kv = 500'000'000};
  try {
    require_fits(plan, limits, 5'000'000'000);
    FAIL() << "5.5 GB fitted into 5 GB";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("5.5 GB"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("4096 tokens x 8"), std::string::npos) << error.what();
  }
  require_fits(plan, limits, 6'000'000'000);
}

TEST_F(SchedulerTest, TwoModelsShareOneDevice) {
  LocalModel& first = open(1);
  LocalModel second(loop_, golden_options("llava_hub"), base::steady_clock());
  EXPECT_TRUE(first.facts().multi_image_trained);
  EXPECT_FALSE(second.facts().multi_image_trained);
  Keep a;
  Keep b;
  first.submit(text_request("Hello"), a);
  second.submit(text_request("Hello"), b);
  EXPECT_FALSE(a.completion().token_ids.empty());
  EXPECT_FALSE(b.completion().token_ids.empty());
}

}  // namespace
}  // namespace visavis::generate
