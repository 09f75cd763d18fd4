#include "engine/models/qwen2_5_vl/windows.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace visavis::models::qwen2_5_vl {
namespace {

TEST(WindowOrder, WindowsAndTheTokensInThemRunRowByRow) {
  // 0 1 | 2
  // 3 4 | 5
  // ----+--
  // 6 7 | 8
  const WindowOrder order = window_order(3, 3, 2);
  EXPECT_EQ(order.tokens, (std::vector<int32_t>{0, 1, 3, 4, 2, 5, 6, 7, 8}));
  EXPECT_EQ(order.starts, (std::vector<int32_t>{0, 4, 6, 8, 9}));
  EXPECT_EQ(order.longest, 4);
}

TEST(WindowOrder, AGridInsideOneWindowKeepsItsOrder) {
  const WindowOrder order = window_order(1, 3, 4);
  EXPECT_EQ(order.tokens, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(order.starts, (std::vector<int32_t>{0, 3}));
  EXPECT_EQ(order.longest, 3);
}

TEST(WindowOrder, EveryTokenHasOnePlaceWhateverTheWindowsLeaveOver) {
  for (const int64_t side : {1, 2, 3, 4, 9}) {
    for (const int64_t columns : {1, 4, 5, 8}) {
      WindowOrder order = window_order(7, columns, side);
      EXPECT_EQ(order.starts.back(), 7 * columns);
      EXPECT_TRUE(std::is_sorted(order.starts.begin(), order.starts.end(), std::less_equal<>()));
      std::sort(order.tokens.begin(), order.tokens.end());
      for (int64_t i = 0; i < 7 * columns; ++i) EXPECT_EQ(order.tokens[static_cast<size_t>(i)], i);
    }
  }
}

}  // namespace
}  // namespace visavis::models::qwen2_5_vl
