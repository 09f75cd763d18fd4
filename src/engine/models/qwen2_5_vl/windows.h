// Which tokens of a picture share a window, and in which order the encoder runs through them. Pure
// functions on numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace visavis::models::qwen2_5_vl {

struct WindowOrder {
  std::vector<int32_t> tokens;  // of the picture, row by row, in the order of their windows
  std::vector<int32_t> starts;  // window w holds places [starts[w], starts[w + 1])
  int64_t longest = 0;          // tokens of the largest window
};

/// A grid of `rows` x `columns` tokens cut into windows of side x side from its upper left corner;
/// windows and the tokens inside run row by row. Those at the right and lower edge may be smaller.
WindowOrder window_order(int64_t rows, int64_t columns, int64_t side);

}  // namespace visavis::models::qwen2_5_vl
