#include "engine/models/llava/config.h"

#include <algorithm>

#include "base/error.h"

namespace visavis::models::llava {
namespace {

using checkpoint::ConfigReader;

// LlavaConfig's own tower when config.json has no vision_config at all.
const VisionConfig kTowerOfLlava = {.layers = 24,
                                    .hidden = 1024,
                                    .ffn = 4096,
                                    .heads = 16,
                                    .head_dim = 64,
                                    .image = 336,
                                    .patch = 14};

VisionConfig read_vision(const ConfigReader& reader, VisionConfig config) {
  read_name(reader, "model_type", "clip_vision_model", {"clip_vision_model"});
  config.layers = reader.int_or("num_hidden_layers", config.layers, 1, 1024);
  config.hidden = reader.int_or("hidden_size", config.hidden, 1, 1 << 16);
  config.ffn = reader.int_or("intermediate_size", config.ffn, 1, 1 << 18);
  config.heads = reader.int_or("num_attention_heads", config.heads, 1, 1024);
  if (config.hidden % (4 * config.heads) != 0) {
    reader.reject("hidden_size", "num_attention_heads times a multiple of 4");
  }
  config.head_dim = config.hidden / config.heads;
  reader.int_or("num_channels", 3, 3, 3);
  config.image = reader.int_or("image_size", config.image, 1, 1 << 14);
  config.patch = reader.int_or("patch_size", config.patch, 1, 256);
  if (config.patch > config.image) reader.reject("patch_size", "at most image_size");
  config.eps =
      static_cast<float>(reader.number_or("layer_norm_eps", static_cast<double>(config.eps), 0, 1));
  config.activation = read_activation(reader, "hidden_act", "quick_gelu");
  return config;
}

const TextConfig kMistral = {
    .ffn = 14336, .kv_heads = 8, .max_positions = 131072, .rms_eps = 1e-6f};

TextConfig read_text(const ConfigReader& reader, const std::vector<std::string>& models) {
  const std::string model = read_name(reader, "model_type", "llama", models);
  if (model != "mistral") return read_text_config(reader, TextConfig{});
  TextConfig text = read_text_config(reader, kMistral);
  // Up to its window's length, attention in a sliding window is attention to everything before.
  // Only an explicit null means that there is none.
  const bool none = reader.json().contains("sliding_window") && !reader.has("sliding_window");
  constexpr int64_t kUsualWindow = 4096;
  if (!none) {
    text.max_positions =
        std::min(text.max_positions, reader.int_or("sliding_window", kUsualWindow, 1, 1 << 30));
  }
  return text;
}

}  // namespace

int64_t Config::blocks_needed() const {
  return *std::max_element(feature_layers.begin(), feature_layers.end());
}

Config read_config(const ConfigReader& reader, const std::vector<std::string>& text_models) {
  Config config;
  config.text = read_text(reader.section("text_config"), text_models);
  config.text.tied_embeddings = reader.bool_or("tie_word_embeddings", config.text.tied_embeddings);
  config.vision = read_vision(reader.section("vision_config"),
                              reader.has("vision_config") ? VisionConfig{} : kTowerOfLlava);

  const char* token_key = reader.has("image_token_id") ? "image_token_id" : "image_token_index";
  config.image_token = reader.int_or(token_key, config.image_token, 0, config.text.vocabulary - 1);
  require(config.image_token < config.text.vocabulary, reader.file(), ": ", token_key, " ",
          config.image_token, " is outside the vocabulary of ", config.text.vocabulary);
  config.projector_activation = read_activation(reader, "projector_hidden_act", "gelu");
  config.projector_bias = reader.bool_or("multimodal_projector_bias", true);
  config.keep_class_token =
      read_name(reader, "vision_feature_select_strategy", "default", {"default", "full"}) == "full";

  // Hidden state 0 is the embedding, state i the output of block i - 1; negative counts from the
  // last of layers + 1 states.
  const int64_t states = config.vision.layers + 1;
  for (const int64_t layer :
       ints_or(reader, "vision_feature_layer", {-2}, -states, config.vision.layers)) {
    config.feature_layers.push_back(layer < 0 ? layer + states : layer);
  }
  constexpr size_t kMostFeatureLayers = 64;
  if (config.feature_layers.empty() || config.feature_layers.size() > kMostFeatureLayers) {
    reader.reject("vision_feature_layer", "1 to 64 layers");
  }
  return config;
}

}  // namespace visavis::models::llava
