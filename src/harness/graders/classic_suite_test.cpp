// The classic suite and the graders must fit each other: an answer that says what a scene holds is
// fully right, one that says nothing or speaks of another picture is not.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "harness/graders/graders.h"
#include "harness/suites/formats.h"

namespace visavis::graders {
namespace {

suites::Suite classic_suite() {
  return suites::load_suite(std::filesystem::path(VISAVIS_SOURCE_DIR) / "suites/classic");
}

Verdict verdict_of(const suites::Question& question, const std::string& answer) {
  chat::Completion completion;
  completion.text = answer;
  return grade(question, true, completion, {}).verdict;
}

TEST(ClassicSuite, HasSixtyGradedItemsInFourScenariosAndTwoLanguages) {
  const suites::Suite suite = classic_suite();
  EXPECT_NO_THROW(require_gradable(suite));
  std::map<std::string, int> scenarios;
  std::set<std::string> languages;
  int graded = 0;
  for (const suites::Question& question : suite.questions) {
    if (question.grader == "shown") continue;
    ++graded;
    ++scenarios[question.scenario];
    languages.insert(question.scenario + question.lang);
  }
  EXPECT_GE(graded, 60);
  EXPECT_EQ(scenarios.size(), 4u);
  EXPECT_EQ(languages.size(), 8u);
  EXPECT_EQ(scenarios["shelf"], 20);
}

TEST(ClassicSuite, GivesEveryKeysOwnAnswerFullMarks) {
  for (const suites::Question& question : classic_suite().questions) {
    if (question.grader == "shown") continue;
    for (const std::string& answer : question.key.answers)
      EXPECT_EQ(verdict_of(question, answer), Verdict::full) << question.id << ": " << answer;
  }
}

TEST(ClassicSuite, GivesNoFullMarksForTheAnswerToTheNextPicturesQuestion) {
  const suites::Suite suite = classic_suite();
  int compared = 0;
  for (const suites::Question& question : suite.questions) {
    if (question.grader != "facts" && question.grader != "changes") continue;
    EXPECT_NE(verdict_of(question, question.lang == "zh" ? "这是一张图片。" : "This is a picture."),
              Verdict::full);
    for (const suites::Question& other : suite.questions) {
      if (other.grader != question.grader || other.scenario != question.scenario ||
          other.lang != question.lang || other.cluster == question.cluster)
        continue;
      ++compared;
      EXPECT_NE(verdict_of(question, other.key.answers.front()), Verdict::full)
          << question.id << " by the answer to " << other.id;
    }
  }
  EXPECT_GT(compared, 30);
}

TEST(ClassicSuite, TellsFromRunningTextWhatItNames) {
  for (const suites::Question& question : classic_suite().questions) {
    if (question.grader != "contains") continue;
    const std::string& key = question.key.answers.front();
    const bool chinese = question.lang == "zh";
    EXPECT_EQ(
        verdict_of(question, chinese ? "图中显示的应该是" + key + "。" : "I can see " + key + "."),
        Verdict::full)
        << question.id;
    if (std::isdigit(static_cast<unsigned char>(key.front()))) continue;  // prices, dates
    EXPECT_EQ(verdict_of(question, chinese ? "图中没有" + key + "。" : "There is no " + key + "."),
              Verdict::wrong)
        << question.id;
  }
}

}  // namespace
}  // namespace visavis::graders
