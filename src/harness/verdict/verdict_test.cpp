#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/verdict/recommendation.h"

namespace visavis::verdict {
namespace {

using testing::HasSubstr;

std::vector<bool> flags(int64_t right, int64_t wrong) {
  std::vector<bool> out(static_cast<size_t>(right), true);
  out.resize(static_cast<size_t>(right + wrong), false);
  return out;
}

TEST(PairTest, CountsDiscordantQuestions) {
  const PairResult result =
      compare_pair(0, 1, {true, true, false, true, false}, {true, false, true, false, false});
  EXPECT_EQ(result.both, 5);
  EXPECT_EQ(result.only_first, 2);
  EXPECT_EQ(result.only_second, 1);
  EXPECT_DOUBLE_EQ(result.p, 1.0);
}

TEST(PairTest, FiveToNothingCannotBeDecidedAndSixToNothingCan) {
  PairResult five = compare_pair(0, 1, flags(10, 0), flags(5, 5));
  PairResult six = compare_pair(0, 1, flags(10, 0), flags(4, 6));
  std::vector<PairResult*> one = {&five};
  decide(one, 0.05);
  one = {&six};
  decide(one, 0.05);
  EXPECT_EQ(five.decision, Decision::cannot_decide);
  EXPECT_EQ(six.decision, Decision::first_better);
  EXPECT_NEAR(*six.p_holm, 0.03125, 1e-12);
}

TEST(PairTest, HolmMultipliesTheSmallestPByTheNumberOfTests) {
  PairResult a{.p = 0.01, .p_holm = {}, .more_items = {}};
  PairResult b{.p = 0.04, .p_holm = {}, .more_items = {}};
  PairResult c{.p = 0.03, .p_holm = {}, .more_items = {}};
  std::vector<PairResult*> family = {&a, &b, &c};
  decide(family, 0.05);
  EXPECT_NEAR(*a.p_holm, 0.03, 1e-12);
  EXPECT_NEAR(*c.p_holm, 0.06, 1e-12);
  EXPECT_NEAR(*b.p_holm, 0.06, 1e-12);
}

TEST(PairTest, SaysHowManyMoreQuestionsWouldDecide) {
  // 10 points of difference, 20 % discordant: 7.85 * (0.2 - 0.01) / 0.01 = 149.2 questions.
  EXPECT_EQ(more_items_needed(100, 15, 5), 50);
  EXPECT_FALSE(more_items_needed(100, 10, 10).has_value());
  EXPECT_FALSE(more_items_needed(1000, 150, 50).has_value());
}

std::vector<Candidate> two(double accuracy_a, double accuracy_b) {
  return {{.label = "A",
           .accuracy = accuracy_a,
           .e2e_p50 = 1.0,
           .e2e_p95 = 2.0,
           .peak_memory_bytes = 100e6},
          {.label = "B",
           .accuracy = accuracy_b,
           .e2e_p50 = 2.0,
           .e2e_p95 = 3.0,
           .peak_memory_bytes = 200e6}};
}

std::vector<PairResult> decided(int64_t only_a, int64_t only_b) {
  std::vector<bool> a = flags(only_a, only_b);
  std::vector<bool> b = a;
  b.flip();
  std::vector<PairResult> pairs = {compare_pair(0, 1, a, b)};
  std::vector<PairResult*> family = {&pairs[0]};
  decide(family, 0.05);
  return pairs;
}

TEST(Recommendation, AccuracyBeyondChanceWinsAgainstSpeed) {
  const auto result = recommend({"s", "s"}, two(0.5, 0.9), decided(2, 20), {});
  EXPECT_EQ(result.winner, 1u);
}

TEST(Recommendation, WithoutADecisionTheFasterAndSmallerOneIsTaken) {
  const auto result = recommend({"s", "s"}, two(0.7, 0.74), decided(5, 6), {});
  EXPECT_EQ(result.winner, 0u);
  EXPECT_THAT(result.sentence.en, HasSubstr("does not separate"));
}

TEST(Recommendation, SpeedDoesNotPassOverAModelThatLeadsByMoreThanTheMargin) {
  const auto result = recommend({"s", "s"}, two(0.7, 0.8), decided(5, 6), {});
  EXPECT_FALSE(result.winner.has_value());
  EXPECT_THAT(result.sentence.en, HasSubstr("B has 10.0 points more than A"));
}

TEST(Recommendation, FasterButLargerIsNoRecommendation) {
  auto candidates = two(0.7, 0.74);
  candidates[0].peak_memory_bytes = 400e6;
  EXPECT_FALSE(recommend({"s", "s"}, candidates, decided(5, 6), {}).winner.has_value());
}

TEST(Recommendation, AModelBeyondALimitIsNamedAndLeftOut) {
  const auto result = recommend({"s", "s"}, two(0.5, 0.9), decided(2, 20),
                                {.constraints = {{"peak_memory_mib", 150}}});
  EXPECT_EQ(result.winner, 0u);
  EXPECT_THAT(result.reasons.front().en, HasSubstr("B needs"));
}

}  // namespace
}  // namespace visavis::verdict
