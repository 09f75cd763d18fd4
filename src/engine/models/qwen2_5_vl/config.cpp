#include "engine/models/qwen2_5_vl/config.h"

#include <string>

#include "base/error.h"

namespace visavis::models::qwen2_5_vl {
namespace {

using checkpoint::ConfigReader;

const TextConfig kTextDefaults = {.vocabulary = 152064,
                                  .hidden = 8192,
                                  .ffn = 29568,
                                  .layers = 80,
                                  .heads = 64,
                                  .kv_heads = 8,
                                  .max_positions = 32768,
                                  .rms_eps = 1e-5f,
                                  .rope_theta = 1000000,
                                  .mrope_section = {16, 24, 24},
                                  .mrope_interleaved = false,
                                  .qkv_bias = true};

TextConfig read_text(const ConfigReader& reader) {
  TextConfig text = read_text_config(reader, kTextDefaults);
  // The family's biases are no setting.
  text.attention_bias = false;
  text.mlp_bias = false;
  if (reader.bool_or("use_sliding_window", false)) {
    reader.reject("use_sliding_window", "false: every layer sees the whole context");
  }
  const auto& section = text.mrope_section;
  require(section[0] + section[1] + section[2] == text.head_dim / 2, reader.file(),
          ": mrope_section ", section[0], " + ", section[1], " + ", section[2],
          " does not add up to half of head_dim ", text.head_dim);
  return text;
}

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
  for (const char* key : {"in_channels", "in_chans"}) reader.int_or(key, 3, 3, 3);
  config.patch = reader.int_or("patch_size", config.patch, 1, 256);
  config.merge = reader.int_or("spatial_merge_size", config.merge, 1, 16);
  config.temporal_patch = reader.int_or("temporal_patch_size", config.temporal_patch, 1, 16);
  config.out_hidden = reader.int_or("out_hidden_size", config.out_hidden, 1, 1 << 17);
  config.window = reader.int_or("window_size", config.window, 1, 1 << 16);
  if (config.window_tokens() == 0) {
    reader.reject("window_size", "at least patch_size times spatial_merge_size, " +
                                     std::to_string(config.patch * config.merge));
  }
  config.full_blocks =
      ints_or(reader, "fullatt_block_indexes", config.full_blocks, 0, config.depth - 1);
  read_name(reader, "hidden_act", "silu", {"silu", "swish"});
  return config;
}

}  // namespace

Config read_config(const ConfigReader& reader) {
  Config config;
  config.text = read_text(reader.has("text_config") ? reader.section("text_config") : reader);
  config.text.tied_embeddings = reader.bool_or("tie_word_embeddings", config.text.tied_embeddings);
  config.vision = read_vision(reader.section("vision_config"));
  config.image_token =
      reader.int_or("image_token_id", config.image_token, 0, config.text.vocabulary - 1);
  require(config.image_token < config.text.vocabulary, reader.file(), ": image_token_id ",
          config.image_token, " is outside the vocabulary of ", config.text.vocabulary);
  require(config.vision.out_hidden == config.text.hidden, reader.file(),
          ": vision_config.out_hidden_size is ", config.vision.out_hidden,
          ", wanted the text's hidden_size ", config.text.hidden);
  return config;
}

}  // namespace visavis::models::qwen2_5_vl
