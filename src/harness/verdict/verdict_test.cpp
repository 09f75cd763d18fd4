#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/verdict/recommendation.h"

namespace visavis::verdict {
namespace {

using testing::HasSubstr;

// Questions about a source of their own each, of which so many only one model has right.
std::vector<PairedItem> items(int64_t only_first, int64_t only_second, int64_t both) {
  std::vector<PairedItem> out;
  for (int64_t i = 0; i < only_first + only_second + both; ++i) {
    const bool first = i < only_first || i >= only_first + only_second;
    const bool second = i >= only_first;
    out.push_back({.first_right = first,
                   .second_right = second,
                   .first_score = first ? 1.0 : 0.0,
                   .second_score = second ? 1.0 : 0.0,
                   .cluster = i});
  }
  return out;
}

PairResult decided_alone(std::span<const PairedItem> questions) {
  PairResult result = compare_pair(0, 1, questions);
  std::vector<PairResult*> family = {&result};
  decide(family, 0.05, 0.05);
  return result;
}

TEST(PairTest, CountsDiscordantQuestions) {
  const PairResult result = compare_pair(0, 1, items(2, 1, 2));
  EXPECT_EQ(result.both, 5);
  EXPECT_EQ(result.only_first, 2);
  EXPECT_EQ(result.only_second, 1);
  EXPECT_DOUBLE_EQ(result.difference.mean, 0.2);
  EXPECT_FALSE(result.clustered());
  EXPECT_DOUBLE_EQ(result.p, 1.0);
}

TEST(PairTest, FiveToNothingCannotBeDecidedAndSixToNothingCan) {
  EXPECT_EQ(decided_alone(items(5, 0, 5)).decision, Decision::cannot_decide);
  const PairResult six = decided_alone(items(6, 0, 4));
  EXPECT_EQ(six.decision, Decision::first_better);
  EXPECT_NEAR(*six.p_holm, 0.03125, 1e-12);
}

// Twelve questions of which one model alone is right look decisive, but if they are about two
// pictures they are two observations.
TEST(PairTest, QuestionsAboutTheSamePictureCountOnce) {
  std::vector<PairedItem> questions = items(12, 0, 12);
  EXPECT_EQ(decided_alone(questions).decision, Decision::first_better);
  for (PairedItem& item : questions) item.cluster /= 6;
  const PairResult result = decided_alone(questions);
  EXPECT_TRUE(result.clustered());
  EXPECT_EQ(result.clusters, 4);
  EXPECT_EQ(result.discordant_clusters, 2);
  EXPECT_GT(result.p, 0.05);
  EXPECT_EQ(result.decision, Decision::cannot_decide);
}

TEST(PairTest, ManyEqualAnswersAreEquivalentWithinTheMargin) {
  const PairResult result = decided_alone(items(10, 10, 480));
  EXPECT_EQ(result.decision, Decision::equivalent);
  EXPECT_THAT(in_words(result, {"A", "B"}).en, HasSubstr("between -1.5 and +1.5 points"));
  EXPECT_EQ(decided_alone(items(10, 10, 20)).decision, Decision::undecided);
}

TEST(PairTest, HolmMultipliesTheSmallestPByTheNumberOfTests) {
  PairResult a{.p = 0.01, .p_holm = {}, .more_items = {}};
  PairResult b{.p = 0.04, .p_holm = {}, .more_items = {}};
  PairResult c{.p = 0.03, .p_holm = {}, .more_items = {}};
  std::vector<PairResult*> family = {&a, &b, &c};
  decide(family, 0.05, 0.05);
  EXPECT_NEAR(*a.p_holm, 0.03, 1e-12);
  EXPECT_NEAR(*c.p_holm, 0.06, 1e-12);
  EXPECT_NEAR(*b.p_holm, 0.06, 1e-12);
}

TEST(PairTest, SaysHowManyMoreQuestionsWouldDecide) {
  // 10 points of difference, 20 % discordant: 7.849 * (0.2 - 0.01) * 100 / 99 / 0.01 = 150.6.
  EXPECT_EQ(compare_pair(0, 1, items(15, 5, 80)).more_items, 51);
  EXPECT_FALSE(compare_pair(0, 1, items(10, 10, 80)).more_items.has_value());
  EXPECT_FALSE(compare_pair(0, 1, items(150, 50, 800)).more_items.has_value());
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
  std::vector<PairResult> pairs = {compare_pair(0, 1, items(only_a, only_b, 0))};
  std::vector<PairResult*> family = {&pairs[0]};
  decide(family, 0.05, 0.05);
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
