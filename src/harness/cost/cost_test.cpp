#include "harness/cost/cost.h"

#include <gtest/gtest.h>

namespace visavis::cost {
namespace {

TEST(Cost, OfARunIsPriceTimesHours) { EXPECT_DOUBLE_EQ(run_cost(2.5, 7200), 5); }

TEST(Cost, OfAThousandQuestionsFollowsFromTheirRate) {
  // 0.5 questions a second at 1.8 an hour: 2000 s for a thousand.
  EXPECT_DOUBLE_EQ(*per_1000_questions(1.8, 2), 1.0);
  EXPECT_DOUBLE_EQ(*per_correct_answer(1.8, 2, 0.8), 1.0 / 800);
}

TEST(Cost, IsUnknownWithoutPriceTimeOrRightAnswers) {
  EXPECT_FALSE(per_1000_questions(0, 2).has_value());
  EXPECT_FALSE(per_1000_questions(2, -1).has_value());
  EXPECT_FALSE(per_correct_answer(2, 2, 0).has_value());
  EXPECT_FALSE(affordable_seconds(0, 5).has_value());
}

TEST(Cost, LimitOfFiveBuysMoreThanThreeHoursAtOneAndAHalf) {
  EXPECT_DOUBLE_EQ(*affordable_seconds(1.5, 5), 12000);
}

}  // namespace
}  // namespace visavis::cost
