// The vision encoder of Qwen3-VL: patch embedding, interpolated learned positions, 2-D rotary
// blocks, a merger to the text width and one more merger per deepstack tap. One still picture, or
// one temporal patch of a video, at a time.
#pragma once

#include <string>
#include <vector>

#include "engine/load/loader.h"
#include "engine/models/model.h"
#include "engine/models/qwen3_vl/config.h"
#include "engine/models/qwen_vl.h"
#include "engine/nn/block.h"

namespace visavis::models::qwen3_vl {

/// LayerNorm, 2 x 2 neighbours side by side, fc1, GELU (erf), fc2.
struct Merger {
  nn::LayerNorm norm;
  nn::Mlp mlp;
  bool norm_after_joining = false;  // deepstack mergers normalise the joined rows

  /// y [rows / merge^2, text width] from x [rows, hidden].
  void run(ops::Ops& ops, ops::View x, tensor::Arena& arena, ops::MutView y) const;
};

struct Vision : PictureEncoder {
  VisionConfig config;
  nn::Linear patch_embed;  // [hidden, 3 * patch^2]: both temporal halves of the kernel added
  std::vector<nn::Linear> frame_embeds;  // the halves apart, for two frames that differ
  tensor::Buffer position_table;         // f32 [side * side, hidden]
  ops::RopeTable rope;
  std::vector<nn::VisionBlock> blocks;
  Merger merger;
  std::vector<Merger> deepstack;

  /// x [patches, hidden] of the pictures' values.
  void embed(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
             ops::MutView x) const;
  /// Runs the tower over one picture of grid_h x grid_w patches in merge order.
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

}  // namespace visavis::models::qwen3_vl
