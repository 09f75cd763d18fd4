// Picture files to RGB, exactly as Pillow's exif_transpose + convert("RGB") gives it: first frame,
// EXIF orientation applied, alpha and palette transparency dropped (not composited), colour
// profiles ignored. JPEG, PNG and WebP; every other format is refused by its name. Start in
// formats.cpp (the table of formats); one codec a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "picture/rgb_image.h"

namespace visavis::picture {

/// Pictures above this many pixels are refused before anything is allocated (Pillow refuses above
/// 178,956,970). 2^27 pixels are 403 MB of RGB.
inline constexpr int64_t kMaxPixels = int64_t{1} << 27;
/// Sides above this are refused too, so that the weights of a resize stay small.
inline constexpr int64_t kMaxSide = int64_t{1} << 20;
/// Files above this many bytes are refused by load().
inline constexpr int64_t kMaxFileBytes = int64_t{256} << 20;

/// A decoded picture and what its file said.
struct Decoded {
  RgbImage image;           // upright
  std::string format;       // "JPEG", "PNG" or "WebP"
  int64_t file_width = 0;   // as stored, before orientation
  int64_t file_height = 0;  // as stored, before orientation
  int orientation = 1;      // EXIF, 1..8; already applied
  std::string note;         // "" or what was dropped or turned, e.g. "EXIF orientation 6 applied"
};

/// Decodes the bytes of a picture file. `name` is how errors call it. Throws Error with one line
/// for anything but a complete JPEG, PNG or WebP within the bounds above. Thread-safe.
Decoded decode(std::string_view bytes, std::string_view name);

}  // namespace visavis::picture
