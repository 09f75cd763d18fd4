// The demo suite and the graders must fit each other: every key's own answer is fully right, and
// an answer that belongs to another question almost never is.
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/graders/graders.h"
#include "harness/suites/formats.h"

namespace visavis::graders {
namespace {

suites::Suite demo_suite() {
  return suites::load_suite(std::filesystem::path(VISAVIS_SOURCE_DIR) / "suites/demo");
}

Verdict verdict_of(const suites::Question& question, const std::string& answer) {
  chat::Completion completion;
  completion.text = answer;
  return grade(question, true, completion, {}).verdict;
}

TEST(DemoSuite, CanBeGraded) {
  const suites::Suite suite = demo_suite();
  EXPECT_NO_THROW(require_gradable(suite));
  EXPECT_GE(suite.questions.size(), 160u);
}

TEST(DemoSuite, GivesEveryKeysOwnAnswerFullMarks) {
  for (const suites::Question& question : demo_suite().questions) {
    if (question.grader == "shown") continue;
    for (const std::string& answer : question.key.answers)
      EXPECT_EQ(verdict_of(question, answer), Verdict::full) << question.id << ": " << answer;
  }
}

TEST(DemoSuite, GivesNoFullMarksForTheWrongPicture) {
  const suites::Suite suite = demo_suite();
  int compared = 0;
  int full = 0;
  for (size_t i = 1; i < suite.questions.size(); ++i) {
    const suites::Question& question = suite.questions[i];
    const suites::Question& other = suite.questions[i - 1];
    if (question.grader != "facts" || other.grader != "facts" || question.lang != other.lang ||
        question.cluster == other.cluster || other.key.answers.empty())
      continue;
    ++compared;
    if (verdict_of(question, other.key.answers.front()) == Verdict::full) ++full;
  }
  EXPECT_GT(compared, 20);
  EXPECT_LE(full * 10, compared);
}

}  // namespace
}  // namespace visavis::graders
