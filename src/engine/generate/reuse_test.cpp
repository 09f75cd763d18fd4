// What is kept of earlier requests changes times and nothing else: answers, log-probabilities and
// scores are the same to the last bit, and two pictures of one size are never taken for each other.
#include <gtest/gtest.h>

#include "engine/generate/golden_model.h"
#include "picture/encode.h"

namespace visavis::generate {
namespace {

constexpr int64_t kPage = KvPool::kPageSize;

/// Pictures of one size, each with a pattern of its own.
chat::Image pattern(int kind, int64_t width = 320, int64_t height = 240) {
  picture::RgbImage image(width, height);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width * 3; ++x) {
      image.row(y)[x] = static_cast<uint8_t>(kind * 50 + x * (kind + 1) / 7 + y);
    }
  }
  return {.bytes = std::make_shared<const std::string>(picture::encode_png(image)),
          .name = "pattern " + std::to_string(kind)};
}

const std::string kLongText =
    "Here is a picture. Look at it closely, from its left to its right and from its top to its "
    "bottom, and then say in your own words what there is to see, which colours there are, and "
    "which of all these things is the largest one. Mind that the answer should be short.";

chat::Request question(const chat::Image& image, const std::string& text, bool reuse = true) {
  chat::Request request{.turns = {{.parts = {image, chat::Text{text}}}}, .max_tokens = 12};
  request.logprobs = true;
  request.reuse = reuse;
  return request;
}

class Reuse : public testing::TestWithParam<Loaded> {
 protected:
  Reuse() { open(options()); }

  static LocalModelOptions options() {
    return golden_options(GetParam().model, GetParam().weights);
  }

  void open(LocalModelOptions options) {
    model_.reset();
    options.chunk = 48;
    model_ = std::make_unique<LocalModel>(loop_, options, base::steady_clock());
  }

  chat::Completion ask(chat::Request request) {
    chat::Outcome outcome = chat::complete(*model_, std::move(request));
    if (const auto* failure = std::get_if<chat::Failure>(&outcome)) fail(failure->message);
    return std::get<chat::Completion>(outcome);
  }

  /// To the last bit on the CPU.
  static void expect_same(const std::vector<float>& found, const std::vector<float>& wanted) {
    ASSERT_EQ(found.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_NEAR(found[i], wanted[i], rows_tolerance(GetParam().weights)) << "token " << i;
  }

  /// Asks with and without what is kept; both must be equal.
  chat::Completion ask_both(chat::Request request) {
    request.reuse = true;
    chat::Completion with = ask(request);
    request.reuse = false;
    const chat::Completion without = ask(request);
    EXPECT_EQ(with.token_ids, without.token_ids);
    expect_same(with.logprobs, without.logprobs);
    EXPECT_EQ(with.text, without.text);
    EXPECT_EQ(without.usage.cached_prompt_tokens, 0);
    EXPECT_EQ(without.usage.cached_image_tokens, 0);
    return with;
  }

  DeviceLoop loop_{test_ops()};
  std::unique_ptr<LocalModel> model_;
};

TEST_P(Reuse, ASecondQuestionOnAPictureNeedsNoEncoderAndGivesTheSameAnswer) {
  const chat::Image image = pattern(1);
  const chat::Completion first = ask(question(image, kLongText));
  EXPECT_EQ(first.usage.cached_prompt_tokens, 0);
  EXPECT_EQ(first.usage.cached_image_tokens, 0);
  EXPECT_GT(first.timing.vision, 0);
  const chat::Completion second = ask_both(question(image, "And what is in the background?"));
  EXPECT_EQ(second.usage.image_tokens, first.usage.image_tokens);
  EXPECT_EQ(second.usage.cached_image_tokens, second.usage.image_tokens);
  EXPECT_EQ(second.timing.vision, 0);
  EXPECT_GT(second.timing.image_decode, 0);
}

TEST_P(Reuse, TheSameQuestionAgainComputesOnlyThePromptsEnd) {
  const chat::Request request = question(pattern(1), kLongText);
  const chat::Completion first = ask(request);
  const chat::Completion again = ask_both(request);
  EXPECT_EQ(again.token_ids, first.token_ids);
  expect_same(again.logprobs, first.logprobs);
  EXPECT_EQ(again.usage.cached_prompt_tokens, (again.usage.prompt_tokens - 1) / kPage * kPage);
  EXPECT_GE(again.usage.cached_prompt_tokens, kPage);
}

TEST_P(Reuse, TheSameQuestionOnTwoPicturesOfOneSizeHasTwoAnswers) {
  const chat::Completion one = ask(question(pattern(1), kLongText));
  const chat::Completion two = ask_both(question(pattern(2), kLongText));
  ASSERT_EQ(one.usage.prompt_tokens, two.usage.prompt_tokens);
  EXPECT_NE(one.logprobs, two.logprobs);
  EXPECT_EQ(two.usage.cached_image_tokens, 0);
  EXPECT_GT(two.timing.vision, 0);
  // All but the picture is equal from the beginning on: no page may have been taken over.
  EXPECT_EQ(two.usage.cached_prompt_tokens, 0);
}

TEST_P(Reuse, ATextBeforeThePictureIsSharedAndThePictureIsNot) {
  const auto request = [](int kind) {
    chat::Request both{
        .turns = {{.parts = {chat::Text{kLongText}, pattern(kind), chat::Text{"What is it?"}}}},
        .max_tokens = 8};
    // LLaVA's template shows pictures first wherever they stand; a system turn stays in front.
    both.turns.insert(both.turns.begin(),
                      {.role = chat::Role::system, .parts = {chat::Text{kLongText}}});
    both.logprobs = true;
    return both;
  };
  ask(request(1));
  const chat::Completion two = ask_both(request(2));
  EXPECT_GE(two.usage.cached_prompt_tokens, kPage);
  EXPECT_EQ(two.usage.cached_image_tokens, 0);
}

TEST_P(Reuse, ASecondTurnGoesOnBehindTheFirst) {
  chat::Request request = question(pattern(1), kLongText);
  request.max_tokens = 80;  // the answer fills a page of its own
  const chat::Completion first = ask(request);
  request.turns.push_back({.role = chat::Role::assistant, .parts = {chat::Text{first.text}}});
  request.turns.push_back({.parts = {chat::Text{"Are you sure?"}}});
  request.max_tokens = 12;
  const chat::Completion second = ask_both(request);
  EXPECT_GE(second.usage.cached_prompt_tokens, (first.usage.prompt_tokens - 1) / kPage * kPage);
  EXPECT_EQ(second.usage.cached_image_tokens, second.usage.image_tokens);
}

TEST_P(Reuse, OnePictureTwiceInAPromptIsEncodedOnce) {
  const chat::Image image = pattern(1);
  chat::Request request{.turns = {{.parts = {image, image, chat::Text{"Equal?"}}}},
                        .max_tokens = 8};
  request.logprobs = true;
  const chat::Completion first = ask_both(request);
  EXPECT_EQ(first.usage.cached_image_tokens, first.usage.image_tokens / 2);
}

TEST_P(Reuse, ScoresAreTheSameNumbers) {
  const std::vector<chat::Turn> turns = question(pattern(1), kLongText).turns;
  const chat::ScoreRequest request{.turns = turns, .continuation = "It is a cat on a mat."};
  LocalModelOptions off = options();
  const chat::Score first = model_->score(request);
  const chat::Score again = model_->score(request);
  off.vision_cache = 0;
  off.prefix_cache = false;
  open(off);
  for (const chat::Score& score : {again, model_->score(request), model_->score(request)}) {
    EXPECT_NEAR(score.logsumexp, first.logsumexp, rows_tolerance(GetParam().weights));
    expect_same(score.continuation_logprobs, first.continuation_logprobs);
    ASSERT_EQ(score.top.size(), first.top.size());
    for (size_t i = 0; i < first.top.size(); ++i)
      EXPECT_NEAR(score.top[i].logit, first.top[i].logit, rows_tolerance(GetParam().weights));
  }
}

TEST_P(Reuse, BothCachesCanBeSwitchedOffByThemselves) {
  const chat::Request request = question(pattern(1), kLongText);
  LocalModelOptions some = options();
  some.vision_cache = 0;
  open(some);
  EXPECT_EQ(model_->plan().vision_cache, 0);
  EXPECT_TRUE(model_->facts().can_reuse);
  ask(request);
  EXPECT_GT(ask_both(request).usage.cached_prompt_tokens, 0);

  some.vision_cache = options().vision_cache;
  some.prefix_cache = false;
  open(some);
  EXPECT_GT(model_->plan().vision_cache, 0);
  ask(request);
  const chat::Completion seen = ask_both(request);
  EXPECT_EQ(seen.usage.cached_prompt_tokens, 0);
  EXPECT_EQ(seen.usage.cached_image_tokens, seen.usage.image_tokens);

  some.vision_cache = 0;
  open(some);
  EXPECT_FALSE(model_->facts().can_reuse);
  ask(request);
  const chat::Completion fresh = ask_both(request);
  EXPECT_EQ(fresh.usage.cached_prompt_tokens, 0);
  EXPECT_EQ(fresh.usage.cached_image_tokens, 0);
  EXPECT_GT(fresh.timing.vision, 0);
}

// Sixteen different prompts through a pool and a store that hold only a few of them.
TEST_P(Reuse, WhatGaveWayIsComputedAgain) {
  LocalModelOptions some = options();
  some.context = 512;
  some.vision_cache = 100'000;
  open(some);
  for (int round = 0; round < 2; ++round) {
    for (int kind = 0; kind < 4; ++kind) {
      for (const char* text : {"One?", "Two?", kLongText.c_str()}) {
        ask_both(question(pattern(kind), text));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Reuse,
                         testing::Values(Loaded{"llava_hub", load::Precision::f32},
                                         Loaded{"llava_hub", load::Precision::int4},
                                         Loaded{"qwen_grouped", load::Precision::f32},
                                         Loaded{"qwen_grouped", load::Precision::int4}),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace visavis::generate
