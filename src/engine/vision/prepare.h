// A picture file to the numbers that a vision encoder takes, equal to the oracle's: decode, resize,
// crop or pad; normalising and cutting into patches are left to Ops::cut_patches. Start in
// prepare_picture(); the sizes alone are geometry_of()'s.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/threads.h"
#include "engine/ops/patches.h"
#include "engine/vision/preprocessor.h"
#include "picture/rgb_image.h"

namespace visavis::vision {

/// The sizes that a picture goes through, in pixels.
struct Geometry {
  int64_t padded_width = 0;  // after padding to a square; else the picture's own
  int64_t padded_height = 0;
  int64_t resized_width = 0;
  int64_t resized_height = 0;
  int64_t width = 0;  // what the encoder sees; tiles: of the enlarged picture with its frame
  int64_t height = 0;
  int64_t grid_w = 0;   // patches across; Scheme::merged_patches only
  int64_t grid_h = 0;   // patches down
  int64_t tiles_w = 0;  // tiles across; Scheme::tiles only
  int64_t tiles_h = 0;  // tiles down
};

/// One picture, ready for the vision encoder.
struct Patches {
  /// What the encoder sees, before it is normalised. Scheme::tiles: one below the other, the whole
  /// picture and then the tiles row by row.
  picture::RgbImage pixels;
  std::vector<float> levels;  // [3, 256]: what each 8-bit value of each channel becomes
  ops::PatchLayout layout;    // of the oracle's pixel_values; Scheme::centre_crop: one patch;
                              // Scheme::tiles: a patch a view
  int64_t rows = 0;           // patches; Scheme::merged_patches only
  Geometry geometry;
  std::string sha256;  // of the settings and the file's bytes: names the features in a cache
  std::string note;    // "a.jpg: JPEG 1024x683, resized to 1024x672, 64x42 patches"
  double decode_seconds = 0;
  double resize_seconds = 0;  // resizing, cropping and padding

  /// The oracle's pixel_values. merged_patches: [rows, 3 * temporal_copies * patch_size^2], rows in
  /// merge order, a row as [channel, time, y, x]; centre_crop: [3, height, width]; tiles:
  /// [1 + tiles, 3, edge, edge].
  std::vector<float> values() const;
};

/// What each 8-bit value of each channel becomes, [3, 256]: in float32 and in the oracle's order.
std::vector<float> levels_of(const Preprocessor& preprocessor);

/// The sides of a picture of width x height after the rules; `name` is how errors call it. Throws
/// Error for an aspect ratio above 200 (merged_patches) or sizes out of bounds.
Geometry geometry_of(int64_t width, int64_t height, const Preprocessor& preprocessor,
                     std::string_view name);

/// Where the features of an enlarged picture show the picture and not the frame around it, when
/// every tile gives side x side of them.
struct ShownFeatures {
  int64_t top = 0;
  int64_t left = 0;
  int64_t rows = 0;
  int64_t columns = 0;

  /// Placeholders of the picture: the small view, and the rows with an end of line each.
  int64_t tokens(int64_t side) const { return side * side + rows * (columns + 1); }
};
/// As the oracle computes it from the picture's own sides. Scheme::tiles only.
ShownFeatures shown_features(const Geometry& geometry, int64_t side);

/// Decodes and prepares one picture file. `pool` may be null. Throws Error (not a picture, too
/// large, too narrow). Thread-safe for different pools.
Patches prepare_picture(std::string_view bytes, std::string_view name,
                        const Preprocessor& preprocessor, const base::Clock& clock,
                        base::ThreadPool* pool = nullptr);

/// Prepares pixels that are already decoded: all but hash, note and seconds.
Patches prepare_pixels(const picture::RgbImage& image, std::string_view name,
                       const Preprocessor& preprocessor, base::ThreadPool* pool = nullptr);

}  // namespace visavis::vision
