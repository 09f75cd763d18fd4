// The vision encoder of Qwen-VL: a ViT-bigG tower, one layer of cross-attention by learned queries
// (the resampler), and the projection to the text model.
#pragma once

#include <vector>

#include "engine/load/loader.h"
#include "engine/models/picture_encoder.h"
#include "engine/models/qwen_vl_chat/config.h"
#include "engine/nn/block.h"

namespace visavis::models::qwen_vl_chat {

/// attention(q = q(norm(queries) + their positions), k = k(x + its positions), v = v(x)) where
/// x = norm(kv_proj(patches)).
struct Resampler {
  tensor::Buffer queries;          // f32 [queries, output]
  tensor::Buffer query_positions;  // f32 [queries, output]
  tensor::Buffer patch_positions;  // f32 [patches, output]
  nn::Linear kv_proj;              // [output, width], no bias
  nn::LayerNorm q_norm;
  nn::LayerNorm kv_norm;
  nn::PictureAttention attention;  // of [output, output]
};

struct Vision : PictureEncoder {
  VisionConfig config;
  nn::Linear patch_embed;    // [width, 3 * patch^2], no bias
  tensor::Buffer positions;  // f32 [patches, width]
  nn::LayerNorm pre_norm;
  std::vector<nn::VisionBlock> blocks;
  Resampler resampler;
  nn::LayerNorm post_norm;
  nn::Linear projection;  // [output, output], no bias

  /// Runs everything over one picture of image x image pixels.
  ImageFeatures encode(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                       tensor::Arena& features) const override;
};

/// Loads everything below "transformer.visual.".
Vision load_vision(load::WeightLoader& loader, const VisionConfig& config);

/// Bytes that Vision::encode takes from the workspace.
int64_t vision_workspace(const VisionConfig& config);

}  // namespace visavis::models::qwen_vl_chat
