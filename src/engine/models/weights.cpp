#include "engine/models/weights.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace visavis::models {

std::string find_prefix(const checkpoint::TensorSource& source, const std::string& part,
                        const std::vector<std::string>& candidates, const std::string& probe) {
  std::vector<std::string> looked_for;
  for (const std::string& candidate : candidates) {
    if (source.find(candidate + probe) != nullptr) return candidate;
    looked_for.push_back("'" + candidate + probe + "'");
  }
  fail("the checkpoint has no ", part, ": tensor ", base::join(looked_for, " or "), " is missing");
}

nn::Linear load_linear(load::WeightLoader& loader, const std::string& prefix, int64_t rows,
                       int64_t cols, load::Role role, bool bias) {
  nn::Linear linear;
  linear.weight = loader.linear(prefix + "weight", rows, cols, role);
  if (bias) linear.bias = loader.vector(prefix + "bias", rows, role);
  return linear;
}

nn::LayerNorm load_layer_norm(load::WeightLoader& loader, const std::string& prefix, int64_t width,
                              float eps, load::Role role) {
  return {.weight = loader.vector(prefix + "weight", width, role),
          .bias = loader.vector(prefix + "bias", width, role),
          .eps = eps};
}

nn::RmsNorm load_rms_norm(load::WeightLoader& loader, const std::string& name, int64_t width,
                          float eps, load::Role role) {
  return {.weight = loader.vector(name, width, role), .eps = eps};
}

namespace {

nn::DecoderLayer load_layer(load::WeightLoader& loader, const TextConfig& config,
                            const std::string& prefix, bool qk_norm) {
  constexpr auto kRole = load::Role::decoder;
  const int64_t query = config.heads * config.head_dim;
  const int64_t key = config.kv_heads * config.head_dim;
  const std::string attention = prefix + "self_attn.";
  nn::DecoderLayer layer;
  layer.input_norm = load_rms_norm(loader, prefix + "input_layernorm.weight", config.hidden,
                                   config.rms_eps, kRole);
  nn::CachedAttention& attn = layer.attention;
  attn.heads = config.heads;
  attn.kv_heads = config.kv_heads;
  attn.head_dim = config.head_dim;
  const bool bias = config.attention_bias || config.qkv_bias;
  attn.q = load_linear(loader, attention + "q_proj.", query, config.hidden, kRole, bias);
  attn.k = load_linear(loader, attention + "k_proj.", key, config.hidden, kRole, bias);
  attn.v = load_linear(loader, attention + "v_proj.", key, config.hidden, kRole, bias);
  attn.o = load_linear(loader, attention + "o_proj.", config.hidden, query, kRole,
                       config.attention_bias);
  if (qk_norm) {
    attn.q_norm =
        load_rms_norm(loader, attention + "q_norm.weight", config.head_dim, config.rms_eps, kRole);
    attn.k_norm =
        load_rms_norm(loader, attention + "k_norm.weight", config.head_dim, config.rms_eps, kRole);
  }
  layer.post_norm = load_rms_norm(loader, prefix + "post_attention_layernorm.weight", config.hidden,
                                  config.rms_eps, kRole);
  const std::string mlp = prefix + "mlp.";
  const bool mlp_bias = config.mlp_bias;
  layer.mlp.gate =
      load_linear(loader, mlp + "gate_proj.", config.ffn, config.hidden, kRole, mlp_bias);
  layer.mlp.up = load_linear(loader, mlp + "up_proj.", config.ffn, config.hidden, kRole, mlp_bias);
  layer.mlp.down =
      load_linear(loader, mlp + "down_proj.", config.hidden, config.ffn, kRole, mlp_bias);
  return layer;
}

}  // namespace

TextDecoder load_text(load::WeightLoader& loader, const TextConfig& config,
                      const std::string& prefix, const std::string& head, bool qk_norm,
                      ops::RopeTable rope) {
  TextDecoder text;
  text.config = config;
  text.rope = std::move(rope);
  const std::string embedding = prefix + "embed_tokens.weight";
  text.embedding = loader.embedding(embedding, config.vocabulary, config.hidden);
  for (int64_t i = 0; i < config.layers; ++i) {
    text.layers.push_back(
        load_layer(loader, config, prefix + "layers." + std::to_string(i) + ".", qk_norm));
  }
  text.norm = load_rms_norm(loader, prefix + "norm.weight", config.hidden, config.rms_eps,
                            load::Role::decoder);
  text.head.weight = loader.linear(config.tied_embeddings ? embedding : head, config.vocabulary,
                                   config.hidden, load::Role::head);
  return text;
}

int64_t count_parameters(const checkpoint::TensorSource& source) {
  int64_t count = 0;
  for (const checkpoint::TensorInfo& info : source.tensors()) count += info.shape.elements();
  return count;
}

}  // namespace visavis::models
