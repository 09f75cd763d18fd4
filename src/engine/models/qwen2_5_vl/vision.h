// The vision encoder of Qwen2.5-VL: patch embedding, rotary blocks whose attention stays inside
// windows but for a few that see the whole picture, a merger to the text width. One still picture
// at a time.
#pragma once

#include <string>
#include <vector>

#include "engine/load/loader.h"
#include "engine/models/model.h"
#include "engine/models/qwen2_5_vl/config.h"
#include "engine/models/qwen_vl.h"
#include "engine/nn/block.h"

namespace visavis::models::qwen2_5_vl {

struct Vision : PictureEncoder {
  VisionConfig config;
  nn::Linear patch_embed;  // [hidden, 3 * patch^2], no bias: the temporal halves added
  ops::RopeTable rope;
  std::vector<nn::GatedVisionBlock> blocks;
  std::vector<bool> sees_all;  // a block looks beyond its window
  nn::RmsNorm merger_norm;
  nn::Mlp merger;  // of merge x merge neighbours side by side

  /// Runs the tower over one picture of grid_h x grid_w patches in merge order. Inside, rows run
  /// window by window.
  ImageFeatures encode(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                       tensor::Arena& features) const override;
};

/// Loads everything below `prefix` ("model.visual.").
Vision load_vision(load::WeightLoader& loader, const VisionConfig& config,
                   const std::string& prefix);

/// Bytes that Vision::encode takes from the workspace for so many patches.
int64_t vision_workspace(const VisionConfig& config, int64_t patches);
/// Bytes of the features arena that pictures of so many image tokens take together, at most.
int64_t feature_bytes(const VisionConfig& config, int64_t tokens);

}  // namespace visavis::models::qwen2_5_vl
