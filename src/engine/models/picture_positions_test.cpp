#include "engine/models/picture_positions.h"

#include <gtest/gtest.h>

#include "engine/nn/rope.h"

namespace visavis::models {
namespace {

TEST(MropePositions, TextAdvancesAllThreeAxes) {
  const Positions positions = mrope_positions(3, {});
  EXPECT_EQ(positions.values, (std::vector<int32_t>{0, 1, 2, 0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(positions.delta, 0);
}

TEST(MropePositions, APictureSpansRowsAndColumnsAndTextGoesOnBehindTheLongerSide) {
  // Text at 0, a picture of 2 x 3 at 1, text at 1 + 3.
  const Positions positions =
      mrope_positions(8, {{.slot = {.begin = 1, .tokens = 6}, .rows = 2, .columns = 3}});
  EXPECT_EQ(positions.values, (std::vector<int32_t>{0, 1, 1, 1, 1, 1, 1, 4,     // time
                                                    0, 1, 1, 1, 2, 2, 2, 4,     // row
                                                    0, 1, 2, 3, 1, 2, 3, 4}));  // column
  EXPECT_EQ(positions.delta, 5 - 8);
}

TEST(MropePositions, PicturesMayTouch) {
  const Positions positions =
      mrope_positions(3, {{.slot = {.begin = 0, .tokens = 2}, .rows = 2, .columns = 1},
                          {.slot = {.begin = 2, .tokens = 1}, .rows = 1, .columns = 1}});
  EXPECT_EQ(positions.values, (std::vector<int32_t>{0, 0, 2, 0, 1, 2, 0, 0, 2}));
  EXPECT_EQ(positions.delta, 0);
}

TEST(MergeOrder, RunsBlockByBlock) {
  const PatchPlaces places = merge_order(2, 4, 2);
  EXPECT_EQ(places.row, (std::vector<int32_t>{0, 0, 1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(places.column, (std::vector<int32_t>{0, 1, 0, 1, 2, 3, 2, 3}));
}

TEST(InterleavedMrope, FrequenciesTakeTheAxisOfTheirRemainderWithinTheSections) {
  const ops::RopeTable table = nn::interleaved_mrope(16, 10000, {4, 2, 2});
  EXPECT_EQ(table.axis, (std::vector<uint8_t>{0, 1, 2, 0, 1, 2, 0, 0}));
  EXPECT_FLOAT_EQ(table.inv_freq[0], 1);
  EXPECT_FLOAT_EQ(table.inv_freq[4], 0.01f);
}

TEST(SectionedMrope, FrequenciesTakeTheAxesOneSectionAfterTheOther) {
  const ops::RopeTable table = nn::sectioned_mrope(16, 10000, {2, 3, 3});
  EXPECT_EQ(table.axis, (std::vector<uint8_t>{0, 0, 1, 1, 1, 2, 2, 2}));
  EXPECT_FLOAT_EQ(table.inv_freq[4], 0.01f);
}

TEST(VisionRope, FirstHalfRowsSecondHalfColumns) {
  const ops::RopeTable table = nn::vision_rope(16, 10000);
  EXPECT_EQ(table.axis, (std::vector<uint8_t>{1, 1, 1, 1, 2, 2, 2, 2}));
  EXPECT_FLOAT_EQ(table.inv_freq[1], 0.1f);
  EXPECT_EQ(table.inv_freq[1], table.inv_freq[5]);
}

}  // namespace
}  // namespace visavis::models
