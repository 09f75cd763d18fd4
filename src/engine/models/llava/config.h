// config.json of LlavaForConditionalGeneration as a struct: LLaMA text, CLIP tower. Absent keys
// take transformers 5.17's defaults.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/models/text_config.h"

namespace visavis::models::llava {

struct VisionConfig {
  int64_t layers = 12;
  int64_t hidden = 768;
  int64_t ffn = 3072;
  int64_t heads = 12;
  int64_t head_dim = 64;
  int64_t image = 224;
  int64_t patch = 32;
  float eps = 1e-5f;
  ops::Activation activation = ops::Activation::quick_gelu;

  int64_t grid() const { return image / patch; }
};

struct Config {
  TextConfig text;
  VisionConfig vision;
  int64_t image_token = 32000;
  ops::Activation projector_activation = ops::Activation::gelu_erf;
  bool projector_bias = true;
  std::vector<int64_t> feature_layers;  // hidden states that are concatenated: 0 = before block 0
  bool keep_class_token = false;        // strategy "full"

  int64_t image_tokens() const {
    return vision.grid() * vision.grid() + (keep_class_token ? 1 : 0);
  }
  /// Blocks that must run for the features.
  int64_t blocks_needed() const;
};

/// `text_models` are the text models (`text_config.model_type`) that may be read; "llama" is what
/// an absent one means. Throws Error naming the key that is missing, out of range or unknown.
Config read_config(const checkpoint::ConfigReader& reader,
                   const std::vector<std::string>& text_models);

}  // namespace visavis::models::llava
