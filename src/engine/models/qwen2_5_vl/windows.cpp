#include "engine/models/qwen2_5_vl/windows.h"

#include <algorithm>

namespace visavis::models::qwen2_5_vl {

WindowOrder window_order(int64_t rows, int64_t columns, int64_t side) {
  WindowOrder order;
  order.starts.push_back(0);
  for (int64_t top = 0; top < rows; top += side) {
    for (int64_t left = 0; left < columns; left += side) {
      const int64_t bottom = std::min(rows, top + side);
      const int64_t right = std::min(columns, left + side);
      for (int64_t row = top; row < bottom; ++row) {
        for (int64_t column = left; column < right; ++column)
          order.tokens.push_back(static_cast<int32_t>(row * columns + column));
      }
      order.longest = std::max(order.longest, (bottom - top) * (right - left));
      order.starts.push_back(static_cast<int32_t>(order.tokens.size()));
    }
  }
  return order;
}

}  // namespace visavis::models::qwen2_5_vl
