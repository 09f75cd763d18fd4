// Turns and mirrors a picture by its EXIF orientation.
#pragma once

#include "picture/rgb_image.h"

namespace visavis::picture {

/// The upright picture: `orientation` 1..8 as in EXIF tag 274 (1 = upright already). Sides swap for
/// 5..8.
RgbImage apply_orientation(RgbImage image, int orientation);

}  // namespace visavis::picture
