#include "engine/models/text_config.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace visavis::models {
namespace {

using checkpoint::ConfigReader;

constexpr int64_t kMostHeadDim = 1024;
constexpr double kMostTheta = 1e12;

struct NamedActivation {
  const char* name;
  ops::Activation activation;
};

constexpr NamedActivation kActivations[] = {
    {"gelu", ops::Activation::gelu_erf},      {"gelu_pytorch_tanh", ops::Activation::gelu_tanh},
    {"gelu_new", ops::Activation::gelu_tanh}, {"quick_gelu", ops::Activation::quick_gelu},
    {"silu", ops::Activation::silu},          {"swish", ops::Activation::silu},
};

void read_rope(const ConfigReader& reader, TextConfig& config) {
  config.rope_theta = reader.number_or("rope_theta", config.rope_theta, 1, kMostTheta);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const ConfigReader rope = reader.section(key);
    // "type" is the spelling of 2023; "mrope" is what Qwen2-VL called "default".
    const char* type_key = rope.has("rope_type") ? "rope_type" : "type";
    read_name(rope, type_key, "default", {"default", "mrope"});
    config.rope_theta = rope.number_or("rope_theta", config.rope_theta, 1, kMostTheta);
    if (rope.bool_or("mrope_interleaved", config.mrope_interleaved) != config.mrope_interleaved) {
      rope.reject("mrope_interleaved", config.mrope_interleaved
                                           ? "true, the only form that this family has"
                                           : "false, the only form that this family has");
    }
    const std::vector<int64_t> section = rope.ints("mrope_section", 0, kMostHeadDim);
    if (section.empty()) continue;
    if (section.size() != config.mrope_section.size()) rope.reject("mrope_section", "3 numbers");
    std::copy(section.begin(), section.end(), config.mrope_section.begin());
  }
}

}  // namespace

std::string read_name(const ConfigReader& reader, const char* key, const char* absent,
                      const std::vector<std::string>& known) {
  std::string name = reader.string_or(key, absent);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    reader.reject(key, "one of the supported: " + base::join(known, ", "));
  }
  return name;
}

ops::Activation read_activation(const ConfigReader& reader, const char* key, const char* absent) {
  std::vector<std::string> known;
  for (const NamedActivation& row : kActivations) known.emplace_back(row.name);
  const std::string name = read_name(reader, key, absent, known);
  const auto* row = std::find_if(std::begin(kActivations), std::end(kActivations),
                                 [&name](const NamedActivation& r) { return name == r.name; });
  return row->activation;
}

std::vector<int64_t> ints_or(const ConfigReader& reader, const char* key,
                             std::vector<int64_t> absent, int64_t least, int64_t most) {
  return reader.has(key) ? reader.ints(key, least, most) : absent;
}

TextConfig read_text_config(const ConfigReader& reader, TextConfig config) {
  config.vocabulary = reader.int_or("vocab_size", config.vocabulary, 1, 1 << 22);
  config.hidden = reader.int_or("hidden_size", config.hidden, 1, 1 << 17);
  config.ffn = reader.int_or("intermediate_size", config.ffn, 1, 1 << 20);
  config.layers = reader.int_or("num_hidden_layers", config.layers, 1, 1024);
  config.heads = reader.int_or("num_attention_heads", config.heads, 1, 1024);
  config.kv_heads = reader.int_or("num_key_value_heads",
                                  config.kv_heads == 0 ? config.heads : config.kv_heads, 1, 1024);
  if (config.heads % config.kv_heads != 0) {
    reader.reject("num_key_value_heads",
                  "a divisor of num_attention_heads " + std::to_string(config.heads));
  }
  const int64_t usual = config.head_dim == 0 ? config.hidden / config.heads : config.head_dim;
  config.head_dim = reader.int_or("head_dim", usual, 1, kMostHeadDim);
  require(config.head_dim >= 4 && config.head_dim % 4 == 0, reader.file(), ": head_dim is ",
          config.head_dim, ", wanted a multiple of 4");
  config.max_positions =
      reader.int_or("max_position_embeddings", config.max_positions, 1, int64_t{1} << 30);
  config.rms_eps = static_cast<float>(
      reader.number_or("rms_norm_eps", static_cast<double>(config.rms_eps), 0, 1));
  config.attention_bias = reader.bool_or("attention_bias", config.attention_bias);
  config.mlp_bias = reader.bool_or("mlp_bias", config.mlp_bias);
  config.tied_embeddings = reader.bool_or("tie_word_embeddings", config.tied_embeddings);
  read_name(reader, "hidden_act", "silu", {"silu", "swish"});
  read_rope(reader, config);
  return config;
}

}  // namespace visavis::models
