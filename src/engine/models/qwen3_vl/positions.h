// M-RoPE positions of a prompt with pictures. Pure functions on numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/models/model.h"

namespace visavis::models::qwen3_vl {

/// One picture in the prompt, on the merged grid: rows * columns == slot.tokens.
struct MergedGrid {
  ImageSlot slot = {};
  int64_t rows = 0;
  int64_t columns = 0;
};

struct Positions {
  std::vector<int32_t> values;  // [3, tokens]: time, row, column
  int32_t delta = 0;            // largest position + 1 - tokens
};

/// Text advances all three axes by one. A picture that starts at p has time p, row p + r, column
/// p + c; the next text token is at p + max(rows, columns). Grids in prompt order.
Positions mrope_positions(int64_t tokens, const std::vector<MergedGrid>& grids);

}  // namespace visavis::models::qwen3_vl
