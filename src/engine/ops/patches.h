// How a picture becomes the rows that a vision encoder reads.
#pragma once

#include <cstdint>

#include "base/threads.h"

namespace visavis::ops {

/// Patches in merge order (blocks of merge x merge, in each row by row); a patch is a row
/// [channel, copy, y, x].
struct PatchLayout {
  int64_t grid_h = 0;  // patches down
  int64_t grid_w = 0;  // patches across
  int64_t patch_h = 0;
  int64_t patch_w = 0;
  int64_t merge = 1;   // divides grid_h and grid_w
  int64_t copies = 1;  // how often a row repeats a channel's values

  int64_t rows() const { return grid_h * grid_w; }
  int64_t row_values() const { return 3 * copies * patch_h * patch_w; }
};

/// The float that each 8-bit value of each channel stands for: [3, 256].
constexpr int64_t kLevels = 256;

/// y [rows, row_values] of pixels [height, width, 3], where height and width are at least the
/// grid's; what lies beyond it is left out. `pool` may be null.
void cut_patches(const uint8_t* pixels, int64_t width, const float* levels,
                 const PatchLayout& layout, float* y, base::ThreadPool* pool);

}  // namespace visavis::ops
