#include "engine/models/picture_positions.h"

#include <algorithm>

namespace visavis::models {

Positions mrope_positions(int64_t tokens, const std::vector<MergedGrid>& grids) {
  std::vector<int32_t> time, row, column;
  int64_t next = 0;  // position of the next text token or picture
  const auto add_text = [&](int64_t until) {
    while (static_cast<int64_t>(time.size()) < until) {
      for (auto* axis : {&time, &row, &column}) axis->push_back(static_cast<int32_t>(next));
      ++next;
    }
  };
  for (const MergedGrid& grid : grids) {
    add_text(grid.slot.begin);
    for (int64_t i = 0; i < grid.slot.tokens; ++i) {
      time.push_back(static_cast<int32_t>(next));
      row.push_back(static_cast<int32_t>(next + i / grid.columns));
      column.push_back(static_cast<int32_t>(next + i % grid.columns));
    }
    next += std::max(grid.rows, grid.columns);
  }
  add_text(tokens);

  Positions positions;
  positions.values = std::move(time);
  positions.values.insert(positions.values.end(), row.begin(), row.end());
  positions.values.insert(positions.values.end(), column.begin(), column.end());
  positions.delta = static_cast<int32_t>(next - tokens);
  return positions;
}

PatchPlaces merge_order(int64_t grid_h, int64_t grid_w, int64_t merge) {
  PatchPlaces places;
  for (int64_t block_row = 0; block_row < grid_h; block_row += merge) {
    for (int64_t block_column = 0; block_column < grid_w; block_column += merge) {
      for (int64_t row = 0; row < merge; ++row) {
        for (int64_t column = 0; column < merge; ++column) {
          places.row.push_back(static_cast<int32_t>(block_row + row));
          places.column.push_back(static_cast<int32_t>(block_column + column));
        }
      }
    }
  }
  return places;
}

}  // namespace visavis::models
