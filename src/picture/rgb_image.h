// A picture in memory: 8-bit RGB, rows from top to bottom, no padding. Decoding, orienting,
// resizing and encoding all speak this type; normalised floats are engine/vision's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace visavis::picture {

struct RgbImage {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> pixels;  // [height, width, 3]

  RgbImage() = default;
  /// Black, of the given size (both at least 1, bounded by the caller).
  RgbImage(int64_t width_pixels, int64_t height_pixels)
      : width(width_pixels),
        height(height_pixels),
        pixels(static_cast<size_t>(width_pixels * height_pixels * 3)) {}

  uint8_t* row(int64_t y) { return pixels.data() + y * width * 3; }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * width * 3; }
  friend bool operator==(const RgbImage&, const RgbImage&) = default;
};

}  // namespace visavis::picture
