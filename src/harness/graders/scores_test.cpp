// The graders that give scores between nothing and everything: anls, vqa; and number's tolerance.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/graders/graders.h"

namespace visavis::graders {
namespace {

Grade graded(const char* grader, std::vector<std::string> answers, const std::string& reply) {
  suites::Question question;
  question.id = "q";
  question.grader = grader;
  question.key.answers = std::move(answers);
  chat::Completion completion;
  completion.text = reply;
  return grade(question, true, completion, {});
}

TEST(Anls, IsOneLessTheEditDistanceOverTheLongerLength) {
  EXPECT_DOUBLE_EQ(graded("anls", {"hello"}, "hello").score, 1);
  EXPECT_DOUBLE_EQ(graded("anls", {"hello"}, "hallo").score, 0.8);
  EXPECT_DOUBLE_EQ(graded("anls", {"2024-05-01"}, "2024-05-07").score, 0.9);
  EXPECT_EQ(graded("anls", {"hello"}, "hallo").verdict, Verdict::partial);
  EXPECT_EQ(graded("anls", {"hello"}, "world").verdict, Verdict::wrong);  // below a half
  EXPECT_DOUBLE_EQ(graded("anls", {"ab"}, "ax").score, 0.5);              // a half is kept
}

// Spaces that normalising removes must not count as length.
TEST(Anls, CountsLengthsOfTheNormalisedStrings) {
  EXPECT_EQ(graded("anls", {"abc"}, "xyz          ").score, 0);
}

TEST(Anls, CountsCodePointsAndTakesTheBestReference) {
  EXPECT_DOUBLE_EQ(graded("anls", {"龙门石窟"}, "龙门石库").score, 0.75);
  EXPECT_DOUBLE_EQ(graded("anls", {"nothing", "cat"}, "Cat.").score, 1);
  EXPECT_EQ(graded("anls", {"cat"}, "  ").verdict, Verdict::unparsed);
}

// The published steps: 0, 1, 2, 3 and 4 of ten people.
TEST(Vqa, GivesThePublishedSteps) {
  const std::vector<double> steps = {0, 0.3, 0.6, 0.9, 1};
  for (size_t equal = 0; equal < steps.size(); ++equal) {
    std::vector<std::string> answers(10, "other");
    for (size_t i = 0; i < equal; ++i) answers[i] = "cat";
    EXPECT_NEAR(graded("vqa", answers, "cat").score, steps[equal], 1e-12) << equal;
  }
}

TEST(Vqa, OfASingleReferenceIsAllOrNothing) {
  EXPECT_EQ(graded("vqa", {"two"}, "2").score, 1);
  EXPECT_EQ(graded("vqa", {"the cat"}, "A cat!").score, 1);
  EXPECT_EQ(graded("vqa", {"cat"}, "dog").score, 0);
  EXPECT_EQ(graded("vqa", {"cat", "dog", "bird"}, "dog").score, 1);
}

TEST(Number, AllowsFivePercent) {
  EXPECT_EQ(graded("number", {"100"}, "104").verdict, Verdict::full);
  EXPECT_EQ(graded("number", {"100"}, "106").verdict, Verdict::wrong);
  EXPECT_EQ(graded("number", {"-20"}, "-19.5").verdict, Verdict::full);
  EXPECT_EQ(graded("number", {"0"}, "0.01").verdict, Verdict::wrong);
}

TEST(Number, LooksPastUnitsSeparatorsAndCalculations) {
  EXPECT_EQ(graded("number", {"1234"}, "about 1,234 people").verdict, Verdict::full);
  EXPECT_EQ(graded("number", {"7"}, "3 + 4 = 7").verdict, Verdict::full);
  EXPECT_EQ(graded("number", {"12%"}, "0.12").verdict, Verdict::full);
  EXPECT_EQ(graded("number", {"12%"}, "12 %").verdict, Verdict::full);
  EXPECT_EQ(graded("number", {"三"}, "一共3个").verdict, Verdict::full);
  EXPECT_EQ(graded("number", {"12"}, "none").verdict, Verdict::wrong);
}

TEST(Number, OfAKeyThatIsNoneComparesTexts) {
  EXPECT_EQ(graded("number", {"Yes"}, "yes.").rule, "number.text");
}

}  // namespace
}  // namespace visavis::graders
