#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "harness/verdict/profiles.h"
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

TEST(PairTest, NoDifferenceInAFewQuestionsIsNotEquivalence) {
  EXPECT_EQ(decided_alone(items(0, 0, 9)).decision, Decision::cannot_decide);
  const PairResult many = decided_alone(items(0, 0, 400));  // 2.71 / (400 + 2.71)
  EXPECT_EQ(many.decision, Decision::equivalent);
  EXPECT_THAT(in_words(many, {"A", "B"}).en, HasSubstr("between -0.7 and +0.7 points"));
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

// 400 questions: A alone right on some, B alone on others, both on the rest.
std::vector<PairResult> of_400(int64_t only_a, int64_t only_b) {
  std::vector<PairResult> pairs = {
      compare_pair(0, 1, items(only_a, only_b, 400 - only_a - only_b))};
  std::vector<PairResult*> family = {&pairs[0]};
  decide(family, 0.05, 0.05);
  return pairs;
}

TEST(Recommendation, AccuracyBeyondChanceWinsAgainstSpeed) {
  const auto result = recommend({"s", "s"}, two(0.45, 0.9), of_400(10, 190), {});
  EXPECT_EQ(result.winner, 1u);
  EXPECT_EQ(result.standing, Standing::stable);
  EXPECT_EQ(result.front.size(), 2u) << "the other one is faster";
}

TEST(Recommendation, TheFasterAndSmallerOneWinsWhereAccuracyIsKnownToBeClose) {
  const auto result = recommend({"s", "s"}, two(0.70, 0.72), of_400(16, 24), {});
  EXPECT_EQ(result.winner, 0u);
}

// A is twice as fast and half as large: 0.2 / 2 + 0.1 / 2 at its weights, 0.12 at the lowest ones.
// Level with B at 0.12 / (0.6 x 1.2) = 16.7 points of accuracy.
TEST(Recommendation, FewQuestionsAreNotEnoughAndItSaysHowManyWouldBe) {
  Rules rules = {.price_per_hour = 3.6, .currency = "CNY"};
  auto candidates = two(0.5, 0.6);
  candidates[0].seconds_per_question = 1;
  candidates[1].seconds_per_question = 2;
  const std::vector<PairResult> pairs = decided(4, 5);  // one of nine, far from known
  const auto result = recommend({"s", "s"}, candidates, pairs, rules);
  EXPECT_FALSE(result.winner.has_value());
  EXPECT_EQ(result.standing, Standing::data);
  EXPECT_EQ(result.leader, 0u);
  const auto interval = *pairs[0].difference.interval();
  const double half = (interval.high - interval.low) / 2;
  const double room = pairs[0].difference.mean + 0.12 / (0.6 * 1.2);
  EXPECT_EQ(result.more_items,
            static_cast<int64_t>(std::ceil(9 * half * half / (room * room))) - 9);
  EXPECT_NEAR(*result.more_cost, static_cast<double>(*result.more_items) * 3 * 0.001, 1e-9);
  EXPECT_THAT(result.sentence.en, HasSubstr(std::to_string(*result.more_items) + " more"));
  EXPECT_THAT(result.sentence.zh, HasSubstr("CNY"));
}

TEST(Recommendation, WhereTheWeightsDecideItAsksForThem) {
  // 25 points of accuracy against half of the latency and memory: 0.15 against 0.15.
  const auto result = recommend({"s", "s"}, two(0.65, 0.9), of_400(2, 102), {});
  EXPECT_EQ(result.standing, Standing::weights);
  EXPECT_FALSE(result.winner.has_value());
  EXPECT_FALSE(result.more_items.has_value());
  EXPECT_THAT(result.sentence.en, HasSubstr("weights"));
  Rules certain = {.weights = {.accuracy = 1.2}, .sensitivity = 0.1};
  EXPECT_EQ(recommend({"s", "s"}, two(0.65, 0.9), of_400(2, 102), certain).winner, 1u);
}

TEST(Recommendation, NoDifferenceInAFewQuestionsIsNoProof) {
  Rules accuracy_only = {.weights = {.accuracy = 1, .latency = 0.02, .cost = 0, .memory = 0}};
  EXPECT_FALSE(recommend({"s", "s"}, two(1, 1), {decided_alone(items(0, 0, 8))}, accuracy_only)
                   .winner.has_value());
  EXPECT_EQ(
      recommend({"s", "s"}, two(1, 1), {decided_alone(items(0, 0, 4000))}, accuracy_only).winner,
      0u);
}

TEST(Recommendation, ADominatedModelIsNamed) {
  const auto result = recommend({"s", "s"}, two(0.9, 0.5), of_400(180, 20), {});
  EXPECT_EQ(result.winner, 0u);
  EXPECT_EQ(result.front, std::vector<size_t>{0});
  EXPECT_THAT(result.reasons.front().en, HasSubstr("B is dominated: A"));
}

TEST(Recommendation, AModelBeyondALimitIsNamedAndLeftOut) {
  const auto result = recommend({"s", "s"}, two(0.5, 0.9), decided(2, 20),
                                {.constraints = {{"peak_memory_mib", 150}}});
  EXPECT_EQ(result.winner, 0u);
  EXPECT_EQ(result.standing, Standing::only_one);
  EXPECT_THAT(result.reasons.front().en, HasSubstr("B needs"));
}

TEST(Recommendation, LimitsOnCostAndLicenceNeedFigures) {
  auto candidates = two(0.5, 0.9);
  candidates[0].cost_per_1000 = 1;
  candidates[0].license = "apache-2.0";
  const Rules by_cost = {.constraints = {{"cost_per_1000", 2}}};
  const auto cost = recommend({"s", "s"}, candidates, decided(2, 20), by_cost);
  EXPECT_EQ(cost.winner, 0u);
  EXPECT_THAT(cost.reasons.front().en, HasSubstr("B: cost_per_1000 is limited, but not known"));
  Rules by_license = {.licenses = {"apache-2.0"}};
  EXPECT_THAT(recommend({"s", "s"}, candidates, decided(2, 20), by_license).reasons.front().en,
              HasSubstr("B: no licence"));
  candidates[1].license = "research";
  by_license.licenses = {"mit"};
  EXPECT_EQ(recommend({"s", "s"}, candidates, decided(2, 20), by_license).standing, Standing::none);
}

TEST(Profiles, AreTheFourUsesAndTellTheirQuestions) {
  store::ItemRow item;
  item.question.lang = "zh";
  item.question.difficulty = 3;
  item.question.images.resize(2);
  std::vector<std::string> told;
  for (const Profile& profile : profiles())
    if (profile.tells(item)) told.emplace_back(profile.key);
  EXPECT_EQ(told, (std::vector<std::string>{"detail_chinese", "memory", "several_pictures"}));
  item.question.difficulty = 1;
  EXPECT_TRUE(profiles()[0].tells(item));
  EXPECT_FALSE(profiles()[1].tells(item));
}

// The whole decision on equal models, clusters and all: Holm's family of one, exact test and the
// clustered one, as the report uses them.
class DecisionFalseAlarms : public testing::TestWithParam<int64_t> {};

TEST_P(DecisionFalseAlarms, OfEqualModelsStayAtTheLevel) {
  base::Rng rng(static_cast<uint64_t>(GetParam()), "equal models, decided");
  constexpr int kRuns = 2000;
  int alarms = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<PairedItem> questions;
    for (int64_t cluster = 0; cluster < GetParam(); ++cluster) {
      const double first = rng.uniform();
      const double second = rng.uniform();
      const uint64_t count = 1 + rng.below(11);
      for (uint64_t i = 0; i < count; ++i)
        questions.push_back({.first_right = rng.uniform() < first,
                             .second_right = rng.uniform() < second,
                             .cluster = cluster});
    }
    const Decision decision = decided_alone(questions).decision;
    alarms += decision == Decision::first_better || decision == Decision::second_better ? 1 : 0;
  }
  RecordProperty("share", std::to_string(static_cast<double>(alarms) / kRuns));
  EXPECT_LE(alarms, 0.06 * kRuns);
  EXPECT_GT(alarms, 0.01 * kRuns) << "a test that never decides is none";
}

INSTANTIATE_TEST_SUITE_P(Clusters, DecisionFalseAlarms, testing::Values(10, 30, 100));

}  // namespace
}  // namespace visavis::verdict
