// Published model sizes and the tensors that a checkpoint of such a size holds, with the names that
// the published repositories use: for measuring at a real size without the checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/checkpoint/safetensors_writer.h"

namespace visavis::bench {

enum class Family { qwen3_vl, qwen2_5_vl, llava, llava_next };

struct TextShape {
  int64_t vocabulary;
  int64_t hidden;
  int64_t layers;
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
  int64_t ffn;
  bool tied;
};

struct VisionShape {
  int64_t hidden;
  int64_t depth;
  int64_t heads;
  int64_t ffn;
  int64_t positions;            // Qwen3-VL: position table rows; CLIP: picture side in pixels
  std::vector<int64_t> blocks;  // Qwen3-VL: deepstack taps; Qwen2.5-VL: those without windows
};

/// Sizes of one model.
struct RandomShape {
  std::string_view name;
  Family family;
  TextShape text;
  VisionShape vision;
};

/// Every size that is known.
const std::vector<RandomShape>& random_shapes();
/// Throws Error, naming the known ones.
const RandomShape& random_shape(std::string_view name);

/// All tensors in file order; matrices have two dimensions or more.
std::vector<checkpoint::TensorSpec> tensors_of(const RandomShape& shape);
/// config.json and preprocessor_config.json in the spelling of the published repositories.
base::Json config_of(const RandomShape& shape);
base::Json preprocessor_of(const RandomShape& shape);

}  // namespace visavis::bench
