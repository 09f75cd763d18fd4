// config.json of Qwen2_5_VLForConditionalGeneration as a struct. Absent keys take transformers
// 5.17's defaults.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/models/text_config.h"

namespace visavis::models::qwen2_5_vl {

struct VisionConfig {
  int64_t depth = 32;
  int64_t hidden = 3584;
  int64_t ffn = 3420;
  int64_t heads = 16;
  int64_t head_dim = 224;
  int64_t patch = 14;
  int64_t merge = 2;
  int64_t temporal_patch = 2;
  int64_t out_hidden = 3584;
  int64_t window = 112;                                // pixels along a side
  std::vector<int64_t> full_blocks = {7, 15, 23, 31};  // these look beyond their window

  /// Tokens (merged patches) along a window's side.
  int64_t window_tokens() const { return window / merge / patch; }
};

struct Config {
  TextConfig text;
  VisionConfig vision;
  int64_t image_token = 151655;
};

/// Text settings stand in `text_config` or, as published, beside `vision_config`. Throws Error
/// naming the key that is missing, out of range or unknown.
Config read_config(const checkpoint::ConfigReader& reader);

}  // namespace visavis::models::qwen2_5_vl
