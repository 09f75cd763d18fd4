#include "engine/models/qwen_vl_chat/config.h"

#include <string>

#include "base/error.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen_vl_chat {
namespace {

using checkpoint::ConfigReader;

constexpr int64_t kResamplerHead = 128;  // fixed in the published code
constexpr int64_t kMostLength = 32768;   // of the published table of log-n factors

// What configurations could switch and no published model does.
void require_setting(const ConfigReader& reader, const char* key, bool wanted) {
  if (reader.bool_or(key, wanted) != wanted)
    reader.reject(key, wanted ? "true, the only form that is supported"
                              : "false, the only form that is supported");
}

TextConfig read_text(const ConfigReader& reader) {
  TextConfig text;
  text.vocabulary = reader.int_or("vocab_size", 151936, 1, 1 << 22);
  text.hidden = reader.int_or("hidden_size", 4096, 1, 1 << 17);
  text.layers = reader.int_or("num_hidden_layers", 32, 1, 1024);
  text.heads = reader.int_or("num_attention_heads", 32, 1, 1024);
  text.kv_heads = text.heads;
  text.head_dim = reader.int_or("kv_channels", 128, 4, 1024);
  if (text.head_dim % 4 != 0) reader.reject("kv_channels", "a multiple of 4");
  if (text.head_dim * text.heads != text.hidden)
    reader.reject("kv_channels", "hidden_size / num_attention_heads");
  // The published number counts both halves of the gated layer.
  const int64_t both = reader.int_or("intermediate_size", 22016, 2, 1 << 21);
  if (both % 2 != 0) reader.reject("intermediate_size", "an even number");
  text.ffn = both / 2;
  text.max_positions = reader.int_or("max_position_embeddings", 8192, 1, kMostLength);
  text.rms_eps = static_cast<float>(reader.number_or("layer_norm_epsilon", 1e-6, 0, 1));
  text.rope_theta = reader.number_or("rotary_emb_base", 10000, 1, 1e12);
  text.tied_embeddings = reader.bool_or("tie_word_embeddings", false);
  if (reader.number_or("rotary_pct", 1, 0, 1) != 1) reader.reject("rotary_pct", "1");
  require_setting(reader, "no_bias", true);
  require_setting(reader, "scale_attn_weights", true);
  return text;
}

VisionConfig read_vision(const ConfigReader& reader, int64_t hidden) {
  VisionConfig vision;
  vision.image = reader.int_or("image_size", vision.image, 1, 1 << 12);
  vision.patch = reader.int_or("patch_size", vision.patch, 1, 256);
  if (vision.patch > vision.image) reader.reject("patch_size", "at most image_size");
  vision.width = reader.int_or("width", vision.width, 1, 1 << 16);
  vision.layers = reader.int_or("layers", vision.layers, 1, 1024);
  vision.heads = reader.int_or("heads", vision.heads, 1, 1024);
  if (vision.width % (4 * vision.heads) != 0) reader.reject("width", "heads times a multiple of 4");
  const double ratio = reader.number_or("mlp_ratio", 4.9231, 1e-3, 1e3);
  vision.ffn = static_cast<int64_t>(static_cast<double>(vision.width) * ratio);
  if (vision.ffn < 1) reader.reject("mlp_ratio", "more, for one value");
  vision.queries = reader.int_or("n_queries", vision.queries, 1, 4096);
  int64_t side = 1;
  while (side * side < vision.queries) ++side;
  if (side * side != vision.queries) reader.reject("n_queries", "a square number");
  vision.output = reader.int_or("output_dim", vision.output, 1, 1 << 16);
  if (vision.output != hidden) reader.reject("output_dim", "hidden_size");
  if (vision.output % kResamplerHead != 0) reader.reject("output_dim", "a multiple of 128");
  if (vision.output == vision.width) reader.reject("output_dim", "another size than width");
  return vision;
}

}  // namespace

int64_t Config::rope_sets() const {
  return dynamic_ntk ? nn::dynamic_ntk_set(text.max_positions, trained_length) + 1 : 1;
}

Config read_config(const ConfigReader& reader) {
  if (!reader.has("visual"))
    reader.reject("visual", "a picture encoder: models of text alone are not supported");
  Config config;
  config.text = read_text(reader);
  const ConfigReader visual = reader.section("visual");
  config.vision = read_vision(visual, config.text.hidden);
  // <img>, </img> and <imgpad> follow each other.
  const int64_t start = visual.int_or("image_start_id", 151857, 0, config.text.vocabulary - 1);
  config.image_token = start + 2;
  if (config.image_token >= config.text.vocabulary)
    visual.reject("image_start_id", "at most " + std::to_string(config.text.vocabulary - 3));
  config.trained_length = reader.int_or("seq_length", 2048, 2, kMostLength);
  config.dynamic_ntk = reader.bool_or("use_dynamic_ntk", true);
  config.logn = reader.bool_or("use_logn_attn", true);
  constexpr int64_t kMostSets = 8;
  if (config.rope_sets() > kMostSets)
    reader.reject("seq_length", "at least max_position_embeddings / 128");
  return config;
}

}  // namespace visavis::models::qwen_vl_chat
