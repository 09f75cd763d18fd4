#include "harness/stats/agreement.h"

#include <gtest/gtest.h>

namespace visavis::stats {
namespace {

// A table of counts as single items; `repeat` puts every item into a cluster that often.
std::vector<Rated> items_of(const std::vector<std::vector<int>>& counts, int repeat = 1) {
  std::vector<Rated> items;
  int64_t cluster = 0;
  for (size_t i = 0; i < counts.size(); ++i)
    for (size_t j = 0; j < counts.size(); ++j)
      for (int k = 0; k < counts[i][j]; ++k, ++cluster)
        for (int r = 0; r < repeat; ++r)
          items.push_back({static_cast<int>(i), static_cast<int>(j), cluster});
  return items;
}

// Fleiss, Cohen, Everitt 1969 (also Fleiss, Levin, Paik 2003, table 18.1): 100 patients, two
// clinicians, three diagnoses; kappa 0.68, standard error 0.087.
TEST(Agreement, IsThePublishedExample) {
  const std::vector<Rated> items = items_of({{75, 1, 4}, {5, 4, 1}, {0, 0, 10}});
  const Agreement found = agreement(items, 1);
  EXPECT_EQ(found.items, 100);
  EXPECT_NEAR(found.raw, 0.89, 1e-12);
  ASSERT_TRUE(found.kappa);
  EXPECT_NEAR(*found.kappa, 0.6765, 1e-3);
  EXPECT_NEAR(*kappa_error(items), 0.087, 1e-3);
  EXPECT_NEAR(found.kappa_interval->low, 0.6765 - 1.96 * 0.087, 3e-3);
}

// The example of many textbooks: 20 + 15 of 50 alike, kappa 0.4.
TEST(Agreement, OfTwoReaders) {
  const Agreement found = agreement(items_of({{20, 5}, {10, 15}}), 1);
  EXPECT_NEAR(found.raw, 0.7, 1e-12);
  EXPECT_NEAR(*found.kappa, 0.4, 1e-12);
}

TEST(Agreement, SaysNothingWhereChanceAgreesAsWell) {
  const Agreement found = agreement(items_of({{30}}), 1);
  EXPECT_NEAR(found.raw, 1, 1e-12);
  EXPECT_FALSE(found.kappa);
  EXPECT_FALSE(agreement({}, 1).kappa);
}

TEST(Agreement, IsNotSurerBecauseAnItemIsRatedThreeTimes) {
  const std::vector<std::vector<int>> counts = {{20, 5}, {10, 15}};
  const Agreement once = agreement(items_of(counts), 1);
  const Agreement thrice = agreement(items_of(counts, 3), 1);
  EXPECT_NEAR(*thrice.kappa, *once.kappa, 1e-12);
  const double width = once.kappa_interval->high - once.kappa_interval->low;
  EXPECT_NEAR(thrice.kappa_interval->high - thrice.kappa_interval->low, width, 0.1 * width);
  EXPECT_EQ(agreement(items_of(counts, 3), 1).kappa_interval->low, thrice.kappa_interval->low);
}

}  // namespace
}  // namespace visavis::stats
