// What the Qwen-VL families share behind the Model interface: ChatML prompts, pictures of any size
// in merged patches, M-RoPE positions, a Qwen decoder. A family's folder reads its configuration
// and brings its vision encoder.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/models/families.h"
#include "engine/models/picture_encoder.h"
#include "engine/models/text_config.h"

namespace visavis::models {

/// One family, its configuration read.
struct QwenVlFamily {
  const char* architecture = nullptr;
  const char* built_in_template = nullptr;  // used only when the checkpoint has none
  TextConfig text = {};
  bool qk_norm = false;
  ops::RopeTable rope = {};
  int64_t image_token = 0;
  int64_t video_token = -1;                       // -1: takes no videos
  int64_t temporal_patch = 1;                     // frames of a video that one patch spans
  int64_t patch = 0;                              // pixels
  int64_t merge = 0;                              // patches along each side of a token
  std::vector<std::string> text_prefixes = {};    // that checkpoints use, before "embed_tokens."
  std::vector<std::string> vision_prefixes = {};  // before "patch_embed."
  /// Loads the encoder below a prefix.
  std::function<std::unique_ptr<PictureEncoder>(load::WeightLoader&, const std::string&)>
      load_vision = {};
  /// Bytes that encode() takes from the workspace for so many patches.
  std::function<int64_t(int64_t)> vision_workspace = {};
  /// Bytes of the features arena that pictures of so many tokens take together, at most.
  std::function<int64_t(int64_t)> feature_bytes = {};
};

/// Tensors whose name ends so are read in three parts (q, k, v).
std::vector<std::string> fused_qkv_endings();

/// Throws Error as open_model().
std::unique_ptr<Model> open_qwen_vl(Checkpoint checkpoint, QwenVlFamily family);

}  // namespace visavis::models
