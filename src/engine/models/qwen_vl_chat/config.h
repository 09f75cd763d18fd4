// config.json of QWenLMHeadModel with a picture encoder (Qwen-VL, Qwen-VL-Chat) as a struct. Absent
// keys take the published configuration_qwen.py's defaults.
#pragma once

#include <cstdint>

#include "engine/models/text_config.h"

namespace visavis::models::qwen_vl_chat {

struct VisionConfig {
  int64_t image = 448;  // side of the square that every picture is resized to
  int64_t patch = 14;
  int64_t width = 1664;
  int64_t layers = 48;
  int64_t heads = 16;
  int64_t ffn = 8192;
  int64_t queries = 256;  // image tokens of a picture
  int64_t output = 4096;  // the text model's width

  int64_t grid() const { return image / patch; }
  int64_t patches() const { return grid() * grid(); }
  int64_t head_dim() const { return width / heads; }
};

struct Config {
  TextConfig text;
  VisionConfig vision;
  int64_t image_token = 151859;   // <imgpad>
  int64_t trained_length = 2048;  // seq_length
  bool dynamic_ntk = true;
  bool logn = true;

  /// How many sets of rotary frequencies prompts of up to the most positions can take.
  int64_t rope_sets() const;
};

/// Throws Error naming the key that is missing, out of range or not supported.
Config read_config(const checkpoint::ConfigReader& reader);

}  // namespace visavis::models::qwen_vl_chat
