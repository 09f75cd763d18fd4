#include "picture/orient.h"

#include <cassert>

namespace visavis::picture {
namespace {

/// How the upright pixel (x, y) is found in the stored picture: mirror x, mirror y (in stored
/// coordinates), after swapping the axes.
struct Turn {
  bool swap = false;
  bool mirror_x = false;
  bool mirror_y = false;
};

constexpr Turn kTurns[9] = {
    {},
    {},                                                    // 1 upright
    {.swap = false, .mirror_x = true, .mirror_y = false},  // 2 mirrored left to right
    {.swap = false, .mirror_x = true, .mirror_y = true},   // 3 upside down
    {.swap = false, .mirror_x = false, .mirror_y = true},  // 4 mirrored top to bottom
    {.swap = true, .mirror_x = false, .mirror_y = false},  // 5 transposed
    {.swap = true, .mirror_x = false, .mirror_y = true},   // 6 needs a clockwise quarter turn
    {.swap = true, .mirror_x = true, .mirror_y = true},    // 7 transposed the other way
    {.swap = true, .mirror_x = true, .mirror_y = false},   // 8 needs a counter-clockwise one
};

}  // namespace

RgbImage apply_orientation(RgbImage image, int orientation) {
  assert(orientation >= 1 && orientation <= 8);
  if (orientation == 1) return image;
  const Turn turn = kTurns[orientation];
  RgbImage upright(turn.swap ? image.height : image.width, turn.swap ? image.width : image.height);
  for (int64_t y = 0; y < upright.height; ++y) {
    uint8_t* out = upright.row(y);
    for (int64_t x = 0; x < upright.width; ++x, out += 3) {
      int64_t from_x = turn.swap ? y : x;
      int64_t from_y = turn.swap ? x : y;
      if (turn.mirror_x) from_x = image.width - 1 - from_x;
      if (turn.mirror_y) from_y = image.height - 1 - from_y;
      const uint8_t* in = image.row(from_y) + from_x * 3;
      out[0] = in[0];
      out[1] = in[1];
      out[2] = in[2];
    }
  }
  return upright;
}

}  // namespace visavis::picture
