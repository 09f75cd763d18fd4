// The first step of every vision encoder: a picture's bytes to rows of normalised patches, on the
// device.
#pragma once

#include <string>
#include <vector>

#include "engine/models/model.h"
#include "engine/nn/linear.h"

namespace visavis::models {

/// y [layout.rows(), layout.row_values()]; scratch comes from the workspace. A video's first frame.
void cut_patches(ops::Ops& ops, const PatchGrid& picture, const ops::PatchLayout& layout,
                 tensor::Arena& workspace, tensor::MutView y);
/// The same of a frame; levels as in PatchGrid.
void cut_patches(ops::Ops& ops, const picture::RgbImage& image, const std::vector<float>& levels,
                 const ops::PatchLayout& layout, tensor::Arena& workspace, tensor::MutView y);

/// Bytes that cut_patches takes from the workspace for a picture of so many pixels.
int64_t cut_patches_scratch(int64_t pixels);

/// A patch embedding that is stored for `times` frames at once: a kernel [width, 3, times, patch,
/// patch].
struct PatchEmbedding {
  int64_t width = 0;
  int64_t patch = 0;
  int64_t times = 1;
  bool bias = false;
};

/// prefix + "weight" as a linear layer [width, 3 * patch^2] for still pictures, which show every
/// frame the same values: the frames' weights are added up once.
nn::Linear load_patch_embed(load::WeightLoader& loader, const std::string& prefix,
                            const PatchEmbedding& stored);
/// The same for videos: a layer without bias for each frame, whose results add up; none if there is
/// one frame only.
std::vector<nn::Linear> load_frame_embeds(load::WeightLoader& loader, const std::string& prefix,
                                          const PatchEmbedding& stored);

}  // namespace visavis::models
