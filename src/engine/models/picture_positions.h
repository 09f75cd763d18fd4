// Where things stand in prompts and pictures of the Qwen-VL families: M-RoPE positions of a prompt
// with pictures, and the order in which a picture's patches run. Pure functions on numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/models/model.h"

namespace visavis::models {

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

/// Row and column of every patch in merge order: blocks of merge x merge, row by row.
struct PatchPlaces {
  std::vector<int32_t> row;
  std::vector<int32_t> column;
};
PatchPlaces merge_order(int64_t grid_h, int64_t grid_w, int64_t merge);

}  // namespace visavis::models
