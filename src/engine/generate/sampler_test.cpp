#include "engine/generate/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"

namespace visavis::generate {
namespace {

std::map<int32_t, int> draw_many(const chat::Sampling& sampling, const std::vector<float>& logits,
                                 int count) {
  Sampler sampler(sampling, static_cast<int64_t>(logits.size()));
  std::map<int32_t, int> counts;
  for (int i = 0; i < count; ++i) {
    std::vector<float> copy = logits;
    ++counts[sampler.choose(copy)];
  }
  return counts;
}

TEST(Sampler, GreedyTakesTheLowestIndexAmongEquals) {
  Sampler sampler({}, 4);
  EXPECT_TRUE(sampler.plain_greedy());
  std::vector<float> logits = {1, 3, 3, 2};
  EXPECT_EQ(sampler.choose(logits), 1);
}

TEST(Sampler, RepetitionPenaltyDividesPositiveAndMultipliesNegativeLogits) {
  Sampler sampler({.repetition_penalty = 2}, 3);
  EXPECT_FALSE(sampler.plain_greedy());
  const std::vector<int32_t> prompt = {0};
  sampler.see(prompt);
  std::vector<float> logits = {4, 3, -1};
  EXPECT_EQ(sampler.choose(logits), 1);  // 4 / 2 < 3; and token 1 counts from now on
  logits = {4, 3, -1};
  EXPECT_EQ(sampler.choose(logits), 0);  // 4 / 2 > 3 / 2
  Sampler all({.repetition_penalty = 2}, 2);
  all.see(std::vector<int32_t>{0});
  logits = {-1, -1.5f};
  EXPECT_EQ(all.choose(logits), 1);  // -1 * 2 < -1.5
}

TEST(Sampler, TemperatureFollowsTheSoftmax) {
  const std::vector<float> logits = {0, 2};
  const int count = 20000;
  const auto counts = draw_many({.temperature = 2, .seed = 7}, logits, count);
  const double expected = std::exp(1.0) / (1 + std::exp(1.0));
  EXPECT_NEAR(counts.at(1) / static_cast<double>(count), expected, 0.015);
}

TEST(Sampler, TopKKeepsTiesWithTheKthValue) {
  const auto counts = draw_many({.temperature = 1, .top_k = 2}, {5, 4, 4, 3.9f}, 3000);
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_FALSE(counts.contains(3));
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesTheProbability) {
  // Probabilities 0.5, 0.3, 0.15, 0.05.
  std::vector<float> logits;
  for (const double p : {0.5, 0.3, 0.15, 0.05}) logits.push_back(static_cast<float>(std::log(p)));
  EXPECT_EQ(draw_many({.temperature = 1, .top_p = 0.75f}, logits, 2000).size(), 2u);
  EXPECT_EQ(draw_many({.temperature = 1, .top_p = 0.9f}, logits, 2000).size(), 3u);
  EXPECT_EQ(draw_many({.temperature = 1, .top_p = 0.01f}, logits, 500).size(), 1u);
}

TEST(Sampler, TheSameSeedAndLabelGiveTheSameChoices) {
  const std::vector<float> logits(50, 0.0f);
  const auto sequence = [&](uint64_t seed, const char* label) {
    Sampler sampler({.temperature = 1, .seed = seed, .seed_label = label}, 50);
    std::vector<int32_t> ids;
    for (int i = 0; i < 20; ++i) {
      std::vector<float> copy = logits;
      ids.push_back(sampler.choose(copy));
    }
    return ids;
  };
  EXPECT_EQ(sequence(1, "a"), sequence(1, "a"));
  EXPECT_NE(sequence(1, "a"), sequence(2, "a"));
  EXPECT_NE(sequence(1, "a"), sequence(1, "b"));
}

TEST(Sampler, ValuesOutOfRangeAreRefused) {
  EXPECT_THROW(check_sampling({.temperature = -1}), Error);
  EXPECT_THROW(check_sampling({.temperature = std::nanf("")}), Error);
  EXPECT_THROW(check_sampling({.top_k = -1}), Error);
  EXPECT_THROW(check_sampling({.top_p = 0}), Error);
  EXPECT_THROW(check_sampling({.top_p = 1.5f}), Error);
  EXPECT_THROW(check_sampling({.repetition_penalty = 0}), Error);
}

TEST(Sampler, LogSumExpDoesNotOverflow) {
  EXPECT_NEAR(log_sum_exp(std::vector<float>{1000, 1000}), 1000 + std::log(2.0), 1e-9);
}

}  // namespace
}  // namespace visavis::generate
