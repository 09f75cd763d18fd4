// The vision encoder of LLaVA-1.5: a CLIP tower up to the last hidden state that the projector
// reads, and the two-layer projector to the text width.
#pragma once

#include <string>
#include <vector>

#include "engine/load/loader.h"
#include "engine/models/llava/config.h"
#include "engine/models/picture_encoder.h"
#include "engine/nn/block.h"

namespace visavis::models::llava {

struct Vision : PictureEncoder {
  Config config;
  nn::Linear patch_embed;      // [hidden, 3 * patch^2], no bias
  tensor::Buffer class_token;  // f32 [hidden]
  tensor::Buffer positions;    // f32 [1 + grid^2, hidden], class token first
  nn::LayerNorm pre_norm;
  std::vector<nn::VisionBlock> blocks;  // only those that the features need
  nn::Mlp projector;

  /// Runs tower and projector over one picture; pixels beyond the last whole patch are left
  /// out, as by a convolution whose stride is its size.
  ImageFeatures encode(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                       tensor::Arena& features) const override;
  /// The same into rows [image tokens, text width].
  void encode_into(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                   tensor::MutView result) const;
};

/// Loads the tower below `tower` ("vision_tower.") and the projector below `projector`
/// ("multi_modal_projector.").
Vision load_vision(load::WeightLoader& loader, const Config& config, const std::string& tower,
                   const std::string& projector);

/// Bytes that Vision::encode takes from the workspace.
int64_t vision_workspace(const Config& config);

}  // namespace visavis::models::llava
