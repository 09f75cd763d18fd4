#include "harness/cost/other_cards.h"

#include <gtest/gtest.h>

namespace visavis::cost {
namespace {

const std::vector<Price> kPrices = {{"T4", "a", "CNY", 3.6, "2026-01-01", "s"},
                                    {"L4", "a", "CNY", 7.2, "2026-01-01", "s"},
                                    {"X9000", "a", "CNY", 1, "2026-01-01", "s"}};
// 240 MB a step: 1 ms on the T4's 240 GB/s.
const chat::Effort kEffort = {.step_bytes = 240e6, .token_ops = 0, .chunk = 100};

CountedAnswer answer(double seconds) {
  return {.usage = {.prompt_tokens = 100, .image_tokens = 0, .completion_tokens = 10},
          .pictures = 0,
          .host_seconds = 0.005,
          .seconds = seconds};
}

TEST(OtherCards, AreEstimatedFromBytesAndRates) {
  const std::vector<CountedAnswer> answers = {answer(1), answer(1)};
  const OtherCards found = on_other_cards(kEffort, answers, 20LL << 30, "cpu", kPrices);
  ASSERT_EQ(found.cards.size(), 2u) << "nothing is known of an X9000";
  EXPECT_NEAR(found.cards[0].seconds_per_question, 0.015, 1e-12);  // one prompt step and nine more
  EXPECT_NEAR(found.cards[0].per_1000, 0.015, 1e-12);              // 3.6 an hour: 0.001 a second
  EXPECT_FALSE(found.cards[0].fits);
  EXPECT_TRUE(found.cards[1].fits);
  EXPECT_FALSE(found.measured_over_formula.has_value());
}

TEST(OtherCards, TakeOverHowFarTheFormulaIsOffOnAKnownCard) {
  const std::vector<CountedAnswer> answers = {answer(0.03)};
  const OtherCards found = on_other_cards(kEffort, answers, 1, "cuda:0 (Tesla T4)", kPrices);
  EXPECT_NEAR(*found.measured_over_formula, 2, 1e-9);
  EXPECT_NEAR(found.cards[0].seconds_per_question, 0.03, 1e-9) << "the card itself: as measured";
}

TEST(OtherCards, AreUnknownForEndpointsAndWithoutAnswers) {
  EXPECT_TRUE(
      on_other_cards({}, std::vector<CountedAnswer>{answer(1)}, 1, "", kPrices).cards.empty());
  EXPECT_TRUE(on_other_cards(kEffort, {}, 1, "", kPrices).cards.empty());
}

TEST(Work, OfAnAnswerFollowsItsTokens) {
  const chat::Effort effort = {.step_bytes = 10,
                               .token_ops = 2,
                               .head_ops = 1,
                               .picture_bytes = 5,
                               .image_token_ops = 3,
                               .kv_token_bytes = 1,
                               .chunk = 4};
  const base::Work work =
      work_of(effort, {.prompt_tokens = 10, .image_tokens = 4, .completion_tokens = 3}, 2);
  // Three prompt steps and two more; caches of 11 and 12 tokens.
  EXPECT_DOUBLE_EQ(work.bytes, 2 * 5 + 5 * 10 + 11 + 12);
  EXPECT_DOUBLE_EQ(work.bf16_ops, 4 * 3 + 10 * 2 + 1);
  EXPECT_DOUBLE_EQ(work.int8_ops, 2 * 3);
}

}  // namespace
}  // namespace visavis::cost
