#include "harness/verdict/fidelity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace visavis::verdict {
namespace {

using testing::HasSubstr;

// `lost` questions right only at the reference's precision, `won` only at the lower one, the rest
// at both; every answer has two tokens.
std::vector<FidelityItem> items(int lost, int won, int both) {
  std::vector<FidelityItem> out;
  for (int i = 0; i < lost + won + both; ++i)
    out.push_back({.cluster = i,
                   .divergences = {0.1, 0.3},
                   .surprises = {0.25, 0.75},
                   .reference_surprises = {0.2, i % 2 == 0 ? 0.4 : 0.6},
                   .same_choices = {true, i % 2 == 0},
                   .same_text = i >= lost + won,
                   .graded = true,
                   .right = i >= lost,
                   .reference_right = i < lost || i >= lost + won});
  return out;
}

TEST(Fidelity, CountsFlipsAndAveragesPerQuestion) {
  const Fidelity found = summarise(items(3, 1, 36));
  EXPECT_EQ(found.items, 40);
  EXPECT_EQ(found.tokens, 80);
  EXPECT_NEAR(found.divergence.value, 0.2, 1e-12);
  EXPECT_NEAR(found.agreement.value, 0.75, 1e-12);
  EXPECT_LT(found.agreement.interval->low, 0.75);
  EXPECT_EQ(found.same_text, 36);
  EXPECT_EQ(found.only_reference, 3);
  EXPECT_EQ(found.only_model, 1);
  EXPECT_NEAR(found.loss.value, 0.05, 1e-12);
  EXPECT_THAT(in_words(found).en, HasSubstr("no loss of  against  is shown: 5.0 points"));
}

TEST(Fidelity, ALossBeyondChanceIsCalledOne) {
  Fidelity found = summarise(items(20, 2, 78));
  found.weights = "int4";
  found.against = "bf16";
  EXPECT_THAT(in_words(found).en, HasSubstr("int4 loses 18.0 points"));
  EXPECT_THAT(in_words(found).zh, HasSubstr("损失 18.0"));
}

TEST(Fidelity, NoFlipInAFewQuestionsDoesNotProveThatThereIsNoLoss) {
  const Fidelity found = summarise(items(0, 0, 10));
  EXPECT_EQ(found.loss.value, 0);
  EXPECT_GT(found.loss.interval->high, 0.2);
}

TEST(Fidelity, PerplexityIsOfMeansPerQuestion) {
  const Fidelity found = summarise(items(0, 0, 40));
  EXPECT_NEAR(found.perplexity, std::exp(0.5), 1e-12);
  EXPECT_NEAR(found.reference_perplexity, std::exp(0.35), 1e-12);
  EXPECT_NEAR(found.perplexity_ratio.value, std::exp(0.15), 1e-12);
  // Differences of 0.2 and 0.1 in turn: their mean is known to 0.05 / sqrt(39) times t.
  const double half = 2.0227 * 0.05 / std::sqrt(39);
  EXPECT_NEAR(found.perplexity_ratio.interval->low, std::exp(0.15 - half), 1e-5);
  EXPECT_NEAR(found.perplexity_ratio.interval->high, std::exp(0.15 + half), 1e-5);
  EXPECT_EQ(summarise({}).perplexity, 0);
}

TEST(Fidelity, OfEarlierVersionsIsStillRead) {
  base::Json json = base::parse_json(fidelity_json(summarise(items(3, 1, 36))), "test");
  for (const char* later : {"reference", "tokens_of", "perplexity", "reference_perplexity",
                            "perplexity_ratio", "layers"})
    json.erase(later);
  const Fidelity found = fidelity_from(base::dump_json(json));
  EXPECT_EQ(found.perplexity, 0);
  EXPECT_FALSE(found.of_text);
  EXPECT_EQ(found.items, 40);
}

TEST(Fidelity, IsReadAsItWasWritten) {
  Fidelity found = summarise(items(3, 1, 36));
  found.reference = "B";
  found.of_text = true;
  found.layers = {{"model.layers.0", 0.01}, {"model.layers.1", 0.02}};
  found.model = "A";
  found.weights = "int4";
  found.against = "f32";
  EXPECT_EQ(fidelity_json(fidelity_from(fidelity_json(found))), fidelity_json(found));
  EXPECT_THROW(fidelity_from("{}"), Error);
  EXPECT_FALSE(fidelity_from(fidelity_json(summarise({}))).loss.interval.has_value());
}

TEST(Attribution, TellsTheModelFromItsFourBits) {
  Fidelity found = summarise(items(4, 4, 392));
  found.model = "B";
  found.weights = "int4";
  const Known lead{.value = 0.2, .interval = stats::Interval{0.15, 0.25}};
  EXPECT_THAT(attribution("A", lead, found).en, HasSubstr("the model is worse"));
  Fidelity lossy = summarise(items(90, 2, 308));
  lossy.model = "B";
  lossy.weights = "int4";
  EXPECT_THAT(attribution("A", lead, lossy).en, HasSubstr("the int4 form is worse"));
  Fidelity few = summarise(items(1, 0, 9));
  few.weights = "int4";
  EXPECT_THAT(attribution("A", lead, few).en, HasSubstr("cannot be told apart"));
  EXPECT_THAT(attribution("A", {.value = 0.2}, found).zh, HasSubstr("题目太少"));
}

}  // namespace
}  // namespace visavis::verdict
