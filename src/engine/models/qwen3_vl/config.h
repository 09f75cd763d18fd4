// config.json of Qwen3VLForConditionalGeneration as a struct. Absent keys take transformers 5.17's
// defaults.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/models/text_config.h"

namespace visavis::models::qwen3_vl {

struct VisionConfig {
  int64_t depth = 27;
  int64_t hidden = 1152;
  int64_t ffn = 4304;
  int64_t heads = 16;
  int64_t head_dim = 72;
  int64_t patch = 16;
  int64_t merge = 2;
  int64_t temporal_patch = 2;
  int64_t out_hidden = 3584;
  int64_t grid_side = 48;  // of the learned position grid
  double rope_theta = 10000;
  ops::Activation activation = ops::Activation::gelu_tanh;
  std::vector<int64_t> deepstack_taps = {8, 16, 24};
};

struct Config {
  TextConfig text;
  VisionConfig vision;
  int64_t image_token = 151655;
  int64_t video_token = 151656;
};

/// Throws Error naming the key that is missing, out of range or unknown.
Config read_config(const checkpoint::ConfigReader& reader);

}  // namespace visavis::models::qwen3_vl
