// What the codecs share inside picture/. One function per format, one file per function; the table
// that calls them is formats.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "picture/rgb_image.h"

namespace visavis::picture {

/// A picture as stored in its file, not yet turned upright.
struct Stored {
  RgbImage image;
  int orientation = 1;
  std::string note;  // e.g. "alpha dropped"; "" for nothing
};

/// Each throws Error unless the bytes are one complete picture of the format.
Stored decode_jpeg(std::string_view bytes, std::string_view name);
Stored decode_png(std::string_view bytes, std::string_view name);
Stored decode_webp(std::string_view bytes, std::string_view name);

/// Throws Error unless both sides are in [1, kMaxSide] and the area is at most kMaxPixels.
void check_size(int64_t width, int64_t height, std::string_view name);

}  // namespace visavis::picture
