#include "engine/models/patches.h"

namespace visavis::models {

using tensor::Arena;
using tensor::DType;

void cut_patches(ops::Ops& ops, const PatchGrid& picture, const ops::PatchLayout& layout,
                 Arena& workspace, tensor::MutView y) {
  const tensor::ArenaScope scope(workspace);
  const picture::RgbImage& image = picture.pixels;
  const tensor::MutView pixels = workspace.take(DType::u8, {image.height, image.width, 3});
  const tensor::MutView levels = workspace.take_f32({3, ops::kLevels});
  ops.upload(image.pixels.data(), pixels);
  ops.upload(picture.levels.data(), levels);
  ops.cut_patches(pixels, levels, layout, y);
}

int64_t cut_patches_scratch(int64_t pixels) {
  constexpr auto kLevelBytes = 3 * ops::kLevels * static_cast<int64_t>(sizeof(float));
  return Arena::footprint(3 * pixels) + Arena::footprint(kLevelBytes);
}

}  // namespace visavis::models
