#include "engine/ops/patches.h"

namespace visavis::ops {

void cut_patches(const uint8_t* pixels, int64_t width, const float* levels,
                 const PatchLayout& layout, float* y, base::ThreadPool* pool) {
  const int64_t merge = layout.merge;
  const int64_t block_columns = layout.grid_w / merge;
  const auto cut_rows_of_blocks = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * block_columns * merge * merge; i < end * block_columns * merge * merge;
         ++i) {
      const int64_t block = i / (merge * merge);
      const int64_t inside = i % (merge * merge);
      const int64_t row = block / block_columns * merge + inside / merge;
      const int64_t column = block % block_columns * merge + inside % merge;
      const uint8_t* corner = pixels + (row * layout.patch_h * width + column * layout.patch_w) * 3;
      float* to = y + i * layout.row_values();
      for (int64_t channel = 0; channel < 3; ++channel) {
        const float* level = levels + channel * kLevels;
        for (int64_t copy = 0; copy < layout.copies; ++copy) {
          for (int64_t line = 0; line < layout.patch_h; ++line) {
            const uint8_t* from = corner + line * width * 3 + channel;
            for (int64_t x = 0; x < layout.patch_w; ++x) *to++ = level[from[x * 3]];
          }
        }
      }
    }
  };
  if (pool == nullptr) {
    cut_rows_of_blocks(0, layout.grid_h / merge);
  } else {
    pool->parallel_for(layout.grid_h / merge, 1, cut_rows_of_blocks);
  }
}

}  // namespace visavis::ops
