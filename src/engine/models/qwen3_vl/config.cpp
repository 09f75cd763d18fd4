#include "engine/models/qwen3_vl/config.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"

namespace visavis::models::qwen3_vl {
namespace {

using checkpoint::ConfigReader;

const TextConfig kTextDefaults = {.vocabulary = 151936,
                                  .hidden = 4096,
                                  .ffn = 22016,
                                  .layers = 32,
                                  .heads = 32,
                                  .kv_heads = 32,
                                  .head_dim = 128,
                                  .max_positions = 128000,
                                  .rms_eps = 1e-6f,
                                  .rope_theta = 500000};

VisionConfig read_vision(const ConfigReader& reader) {
  VisionConfig config;
  config.depth = reader.int_or("depth", config.depth, 1, 1024);
  config.hidden = reader.int_or("hidden_size", config.hidden, 1, 1 << 16);
  config.ffn = reader.int_or("intermediate_size", config.ffn, 1, 1 << 18);
  config.heads = reader.int_or("num_heads", config.heads, 1, 1024);
  if (config.hidden % (4 * config.heads) != 0) {
    reader.reject("hidden_size", "num_heads times a multiple of 4");
  }
  config.head_dim = config.hidden / config.heads;
  reader.int_or("in_channels", 3, 3, 3);
  config.patch = reader.int_or("patch_size", config.patch, 1, 256);
  config.merge = reader.int_or("spatial_merge_size", config.merge, 1, 16);
  config.temporal_patch = reader.int_or("temporal_patch_size", config.temporal_patch, 1, 16);
  config.out_hidden = reader.int_or("out_hidden_size", config.out_hidden, 1, 1 << 17);
  const int64_t positions = reader.int_or("num_position_embeddings", 2304, 1, 1 << 24);
  config.grid_side = std::lround(std::sqrt(static_cast<double>(positions)));
  if (config.grid_side * config.grid_side != positions) {
    reader.reject("num_position_embeddings", "a square number");
  }
  config.activation = read_activation(reader, "hidden_act", "gelu_pytorch_tanh");
  config.deepstack_taps =
      ints_or(reader, "deepstack_visual_indexes", config.deepstack_taps, 0, config.depth - 1);
  if (!std::is_sorted(config.deepstack_taps.begin(), config.deepstack_taps.end(),
                      std::less_equal<>())) {
    reader.reject("deepstack_visual_indexes", "ascending block numbers");
  }
  const ConfigReader rope = reader.section("rope_parameters");
  read_name(rope, "rope_type", "default", {"default", "axial"});
  config.rope_theta = rope.number_or("rope_theta", config.rope_theta, 1, 1e12);
  return config;
}

}  // namespace

Config read_config(const ConfigReader& reader) {
  Config config;
  config.text = read_text_config(reader.section("text_config"), kTextDefaults);
  config.text.tied_embeddings = reader.bool_or("tie_word_embeddings", config.text.tied_embeddings);
  config.vision = read_vision(reader.section("vision_config"));
  config.image_token =
      reader.int_or("image_token_id", config.image_token, 0, config.text.vocabulary - 1);
  // A model without it loads, but takes no videos.
  config.video_token = reader.int_or("video_token_id", config.video_token, 0, int64_t{1} << 31);
  require(config.image_token < config.text.vocabulary, reader.file(), ": image_token_id ",
          config.image_token, " is outside the vocabulary of ", config.text.vocabulary);
  require(config.vision.out_hidden == config.text.hidden, reader.file(),
          ": vision_config.out_hidden_size is ", config.vision.out_hidden,
          ", wanted the text's hidden_size ", config.text.hidden);
  const auto& section = config.text.mrope_section;
  require(section[0] + section[1] + section[2] == config.text.head_dim / 2, reader.file(),
          ": mrope_section ", section[0], " + ", section[1], " + ", section[2],
          " does not add up to half of head_dim ", config.text.head_dim);
  require(static_cast<int64_t>(config.vision.deepstack_taps.size()) <= config.text.layers,
          reader.file(), ": ", config.vision.deepstack_taps.size(), " deepstack taps, but only ",
          config.text.layers, " text layers");
  return config;
}

}  // namespace visavis::models::qwen3_vl
