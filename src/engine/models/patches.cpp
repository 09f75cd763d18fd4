#include "engine/models/patches.h"

#include <algorithm>
#include <span>

namespace visavis::models {

using tensor::Arena;
using tensor::DType;

void cut_patches(ops::Ops& ops, const PatchGrid& picture, const ops::PatchLayout& layout,
                 Arena& workspace, tensor::MutView y) {
  cut_patches(ops, picture.pixels, picture.levels, layout, workspace, y);
}

void cut_patches(ops::Ops& ops, const picture::RgbImage& image, const std::vector<float>& values,
                 const ops::PatchLayout& layout, Arena& workspace, tensor::MutView y) {
  const tensor::ArenaScope scope(workspace);
  const tensor::MutView pixels = workspace.take(DType::u8, {image.height, image.width, 3});
  const tensor::MutView levels = workspace.take_f32({3, ops::kLevels});
  ops.upload(image.pixels.data(), pixels);
  ops.upload(values.data(), levels);
  ops.cut_patches(pixels, levels, layout, y);
}

int64_t cut_patches_scratch(int64_t pixels) {
  constexpr auto kLevelBytes = 3 * ops::kLevels * static_cast<int64_t>(sizeof(float));
  return Arena::footprint(3 * pixels) + Arena::footprint(kLevelBytes);
}

nn::Linear load_patch_embed(load::WeightLoader& loader, const std::string& prefix,
                            const PatchEmbedding& stored) {
  const int64_t area = stored.patch * stored.patch;
  const int64_t times = stored.times;
  const auto add_times = [area, times](std::span<const float> kernel, std::span<float> kept) {
    for (int64_t channel = 0; channel < 3; ++channel) {
      for (int64_t i = 0; i < area; ++i) {
        float sum = 0;
        for (int64_t t = 0; t < times; ++t) {
          sum += kernel[static_cast<size_t>((channel * times + t) * area + i)];
        }
        kept[static_cast<size_t>(channel * area + i)] = sum;
      }
    }
  };
  constexpr auto kRole = load::Role::vision;
  nn::Linear linear;
  linear.weight =
      loader.folded(prefix + "weight", stored.width, 3 * times * area, 3 * area, kRole, add_times);
  if (stored.bias) linear.bias = loader.vector(prefix + "bias", stored.width, kRole);
  return linear;
}

std::vector<nn::Linear> load_frame_embeds(load::WeightLoader& loader, const std::string& prefix,
                                          const PatchEmbedding& stored) {
  const int64_t area = stored.patch * stored.patch;
  std::vector<nn::Linear> linears;
  for (int64_t t = 0; stored.times > 1 && t < stored.times; ++t) {
    const auto keep_time = [area, t, times = stored.times](std::span<const float> kernel,
                                                           std::span<float> kept) {
      for (int64_t channel = 0; channel < 3; ++channel) {
        const auto from = kernel.begin() + (channel * times + t) * area;
        std::copy(from, from + area, kept.begin() + channel * area);
      }
    };
    linears.emplace_back();
    linears.back().weight =
        loader.folded(prefix + "weight", stored.width, 3 * stored.times * area, 3 * area,
                      load::Role::vision, keep_time, "frame " + std::to_string(t));
  }
  return linears;
}

}  // namespace visavis::models
