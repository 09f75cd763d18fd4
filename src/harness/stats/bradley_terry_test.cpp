#include "harness/stats/bradley_terry.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace visavis::stats {
namespace {

// American League 1987 (Agresti, Categorical Data Analysis): wins of the row over the column.
constexpr size_t kTeams = 7;
constexpr int kWins[kTeams][kTeams] = {
    {0, 7, 9, 7, 7, 9, 11},  // Milwaukee
    {6, 0, 7, 5, 11, 9, 9},  // Detroit
    {4, 6, 0, 7, 7, 8, 12},  // Toronto
    {6, 8, 6, 0, 6, 7, 10},  // New York
    {6, 2, 6, 7, 0, 7, 12},  // Boston
    {4, 4, 5, 6, 6, 0, 6},   // Cleveland
    {2, 4, 1, 3, 1, 7, 0},   // Baltimore
};

std::vector<Vote> baseball() {
  std::vector<Vote> votes;
  for (size_t i = 0; i < kTeams; ++i)
    for (size_t j = 0; j < kTeams; ++j)
      for (int k = 0; k < kWins[i][j]; ++k) votes.push_back({.first = i, .second = j, .score = 1});
  return votes;
}

TEST(BradleyTerry, GivesAgrestisEstimates) {
  const auto found = bradley_terry(kTeams, baseball(), 1, 100, 0.95, 0);
  ASSERT_TRUE(found);
  const double baltimore = (*found)[6].value;
  const std::array<double, kTeams> published = {1.581, 1.436, 1.294, 1.248, 1.108, 0.684, 0};
  for (size_t i = 0; i < kTeams; ++i)
    EXPECT_NEAR((*found)[i].value - baltimore, published[i], 2e-3) << i;
  EXPECT_LT((*found)[6].interval.high, (*found)[0].interval.low);
}

TEST(BradleyTerry, CountsATieAsHalf) {
  const std::vector<Vote> votes = {{.first = 0, .second = 1, .score = 0.5},
                                   {.first = 1, .second = 0, .score = 0.5, .rater = 1}};
  const auto found = bradley_terry(2, votes, 1);
  ASSERT_TRUE(found);
  EXPECT_NEAR((*found)[0].value, 0, 1e-12);
}

TEST(BradleyTerry, StaysFiniteForAModelThatNeverWon) {
  const std::vector<Vote> votes(5, {.first = 0, .second = 1, .score = 1});
  const auto found = bradley_terry(2, votes, 1);
  ASSERT_TRUE(found);
  // 5.25 wins against 0.25
  EXPECT_NEAR((*found)[0].value - (*found)[1].value, std::log(21.0), 1e-6);
}

TEST(BradleyTerry, RefusesVotesThatDoNotConnectTheModels) {
  const std::vector<Vote> votes = {{.first = 0, .second = 1, .score = 1}};
  EXPECT_FALSE(bradley_terry(3, votes, 1));
  EXPECT_FALSE(bradley_terry(2, {}, 1));
}

}  // namespace
}  // namespace visavis::stats
