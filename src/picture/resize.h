// Resizing with antialiasing on 8-bit values, bit for bit as torchvision's uint8 path does it:
// horizontal pass, then vertical, bytes in between, fixed-point int16 weights. Pillow's own resize
// has finer weights and differs from this by up to two grey levels; it is a filter of its own.
#pragma once

#include <cstdint>

#include "base/threads.h"
#include "picture/rgb_image.h"

namespace visavis::picture {

enum class Filter { bilinear, bicubic, pillow_bicubic };

/// A part of a resized picture.
struct Window {
  int64_t left = 0;
  int64_t top = 0;
  int64_t width = 0;
  int64_t height = 0;
};

/// Sides of a resized picture are refused above this, so that tables of weights stay small.
inline constexpr int64_t kMaxResizedSide = int64_t{1} << 20;

/// The picture at width x height. `pool` may be null. Throws Error if a side is not in
/// [1, kMaxResizedSide] or the area is above kMaxPixels.
RgbImage resize(const RgbImage& image, int64_t width, int64_t height, Filter filter,
                base::ThreadPool* pool = nullptr);

/// Only `window` of the picture resized to width x height: equal to resize() and then cutting, at
/// the window's cost. The window must lie inside.
RgbImage resize_window(const RgbImage& image, int64_t width, int64_t height, const Window& window,
                       Filter filter, base::ThreadPool* pool = nullptr);

}  // namespace visavis::picture
