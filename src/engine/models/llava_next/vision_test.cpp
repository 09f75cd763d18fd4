#include "engine/models/llava_next/vision.h"

#include <gtest/gtest.h>

namespace visavis::models::llava_next {
namespace {

PatchGrid tiled(int64_t down, int64_t across, const vision::ShownFeatures& shown) {
  PatchGrid picture;
  picture.tiles_h = down;
  picture.tiles_w = across;
  picture.shown = shown;
  return picture;
}

TEST(TokenRows, RunThroughTheWholePictureThenRowByRowThroughTheTiles) {
  // Two tiles side by side, 2 x 2 features each: views are rows 0-3, 4-7 and 8-11, 12 ends a line.
  const PatchGrid picture = tiled(1, 2, {.rows = 2, .columns = 4});
  EXPECT_EQ(token_rows(picture, 2),
            (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 8, 9, 12, 6, 7, 10, 11, 12}));
}

TEST(TokenRows, LeaveOutTheFrame) {
  const PatchGrid upright = tiled(1, 2, {.left = 1, .rows = 2, .columns = 2});
  EXPECT_EQ(token_rows(upright, 2), (std::vector<int32_t>{0, 1, 2, 3, 5, 8, 12, 7, 10, 12}));
  const PatchGrid nothing = tiled(2, 1, {.top = 2, .columns = 2});
  EXPECT_EQ(token_rows(nothing, 2), (std::vector<int32_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace visavis::models::llava_next
