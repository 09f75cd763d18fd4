#include "harness/runner/looks.h"

#include <gtest/gtest.h>

namespace visavis::runner {
namespace {

// `count` questions; the first model is right on the share `a` of them, the second on `b`.
store::RunData run_of(int64_t count, double a, double b) {
  store::RunData run;
  run.models.resize(2);
  run.run.judgement.stop_when_decided = true;
  for (int64_t i = 0; i < count; ++i) {
    store::ItemRow item;
    item.id = i;
    item.question.id = "q" + std::to_string(i);
    run.items.push_back(item);
    const double place = static_cast<double>(i % 10) / 10;
    for (const auto& [model, share] : {std::pair{0, a}, std::pair{1, b}}) {
      store::GradeRow grade{.model = model, .item = i, .grader = "exact", .grade = {}};
      grade.grade.verdict = place < share - 1e-9 ? graders::Verdict::full : graders::Verdict::wrong;
      run.grades.push_back(grade);
    }
  }
  return run;
}

TEST(Looks, AreDueAtFixedSharesAndNotAtTheEnd) {
  EXPECT_FALSE(look_is_due(0, 19, 100));
  EXPECT_TRUE(look_is_due(19, 20, 100));
  EXPECT_FALSE(look_is_due(20, 21, 100));
  EXPECT_TRUE(look_is_due(15, 85, 100));
  EXPECT_FALSE(look_is_due(99, 100, 100));
}

TEST(Looks, DecideAPlainDifferenceEarlyAndNoneNever) {
  EXPECT_TRUE(is_decided(run_of(200, 0.9, 0.1), 40, 200));
  EXPECT_FALSE(is_decided(run_of(200, 0.9, 0.1), 39, 200));
  EXPECT_FALSE(is_decided(run_of(100, 0.6, 0.5), 40, 100));
}

TEST(Looks, SeeOnlyTheQuestionsOfTheirShare) {
  store::RunData run = run_of(100, 0.5, 0.5);
  // Everything after the first look says that the first model is better.
  for (store::GradeRow& grade : run.grades)
    if (grade.item >= 20)
      grade.grade.verdict = grade.model == 0 ? graders::Verdict::full : graders::Verdict::wrong;
  EXPECT_FALSE(is_decided(run, 39, 100));
  EXPECT_TRUE(is_decided(run, 60, 100));
}

TEST(Looks, LeaveTheEndALevelBelowAlpha) {
  EXPECT_NEAR(level_at_end(0.05, 100, 100, false), 0.0422, 1e-3);
  EXPECT_LT(level_at_end(0.05, 45, 100, true), 0.001);
  EXPECT_NEAR(level_at_end(0.05, 10, 100, false), 0.05, 1e-6) << "nobody has looked yet";
}

}  // namespace
}  // namespace visavis::runner
