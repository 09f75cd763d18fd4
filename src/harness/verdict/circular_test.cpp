#include "harness/verdict/circular.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/stats/goodness.h"

namespace visavis::verdict {
namespace {

using ::testing::ElementsAre;

// Two questions with two options each; the answers are letters, one per rotation.
store::RunData run_of(const std::vector<std::string>& letters) {
  store::RunData run;
  run.models.push_back({.id = 0, .label = "m", .provider = "m", .options = {}, .facts = {}});
  const std::vector<std::string> gold = {"A", "B", "B", "A"};
  for (size_t i = 0; i < letters.size(); ++i) {
    store::ItemRow item;
    item.id = static_cast<int64_t>(i);
    item.question.id = std::to_string(i);
    item.question.rotation_of = i < 2 ? "0" : "2";
    item.question.key.options = {"x", "y"};
    run.items.push_back(item);
    store::GradeRow grade{.model = 0, .item = item.id, .grader = "choice", .grade = {}};
    const bool right = letters[i] == gold[i];
    grade.grade.verdict = right ? graders::Verdict::full : graders::Verdict::wrong;
    grade.grade.evidence.push_back({"answer", gold[i], letters[i], 0, 1});
    run.grades.push_back(grade);
  }
  return run;
}

TEST(Circular, WantsEveryRotationRight) {
  const Circular result = circular_results(run_of({"A", "B", "B", "B"})).at(0);
  EXPECT_EQ(result.groups, 2);
  EXPECT_EQ(result.plain, 2);
  EXPECT_EQ(result.every, 1);
  EXPECT_DOUBLE_EQ(result.chance, 0.25);
  EXPECT_THAT(result.chosen, ElementsAre(1, 3));
  EXPECT_THAT(result.gold, ElementsAre(2, 2));
}

TEST(Circular, LeavesOutGroupsThatAreNotComplete) {
  const Circular result = circular_results(run_of({"A", "B", "B"})).at(0);
  EXPECT_EQ(result.groups, 1);
  EXPECT_EQ(result.every, 1);
}

TEST(Circular, SaysNothingWithoutRotations) {
  store::RunData run = run_of({"A", "B"});
  for (store::ItemRow& item : run.items) item.question.rotation_of.clear();
  EXPECT_TRUE(circular_results(run).empty());
  EXPECT_TRUE(circular_notes(run).empty());
  EXPECT_EQ(circular_notes(run_of({"A", "A"})).size(), 1U);
}

// A die thrown 60 times: 5, 8, 9, 8, 10, 20 gives 13.4 with 5 degrees of freedom, p = 0.0199.
TEST(ChiSquared, EqualsThePublishedExample) {
  const std::vector<int64_t> seen = {5, 8, 9, 8, 10, 20};
  const std::vector<int64_t> fair(6, 1);
  EXPECT_NEAR(stats::chi_squared_p(seen, fair), 0.0199, 5e-5);
  EXPECT_EQ(stats::chi_squared_p(fair, fair), 1);
}

}  // namespace
}  // namespace visavis::verdict
