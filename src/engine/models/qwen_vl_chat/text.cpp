#include "engine/models/qwen_vl_chat/text.h"

#include "engine/models/qwen_vl_chat/parts.h"
#include "engine/models/split_source.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen_vl_chat {
namespace {

constexpr auto kRole = load::Role::decoder;

// Layers without a bias; what AutoGPTQ wrote has one of zeros there all the same.
nn::Linear load_plain(load::WeightLoader& loader, const std::string& prefix, int64_t rows,
                      int64_t cols) {
  return load_linear(loader, prefix, rows, cols, kRole, loader.has(prefix + "bias"));
}

nn::DecoderLayer load_layer(load::WeightLoader& loader, const Config& config,
                            const std::string& prefix) {
  const TextConfig& text = config.text;
  nn::DecoderLayer layer;
  layer.input_norm =
      load_rms_norm(loader, prefix + "ln_1.weight", text.hidden, text.rms_eps, kRole);
  nn::CachedAttention& attention = layer.attention;
  attention.heads = text.heads;
  attention.kv_heads = text.kv_heads;
  attention.head_dim = text.head_dim;
  attention.trained_length = config.logn ? config.trained_length : 0;
  nn::Linear* parts[] = {&attention.q, &attention.k, &attention.v};
  for (int64_t i = 0; i < 3; ++i) {
    const std::string fused = prefix + "attn.c_attn.";
    parts[i]->weight =
        loader.linear(SplitSource::part_name(fused + "weight", i), text.hidden, text.hidden, kRole);
    parts[i]->bias = loader.vector(SplitSource::part_name(fused + "bias", i), text.hidden, kRole);
  }
  attention.o = load_plain(loader, prefix + "attn.c_proj.", text.hidden, text.hidden);
  layer.post_norm = load_rms_norm(loader, prefix + "ln_2.weight", text.hidden, text.rms_eps, kRole);
  // c_proj(w1 x * silu(w2 x))
  layer.mlp.gate = load_plain(loader, prefix + "mlp.w2.", text.ffn, text.hidden);
  layer.mlp.up = load_plain(loader, prefix + "mlp.w1.", text.ffn, text.hidden);
  layer.mlp.down = load_plain(loader, prefix + "mlp.c_proj.", text.hidden, text.ffn);
  return layer;
}

}  // namespace

TextDecoder load_text(load::WeightLoader& loader, const Config& config) {
  const TextConfig& text = config.text;
  const std::string prefix = kText;
  TextDecoder decoder;
  decoder.config = text;
  decoder.rope = nn::dynamic_ntk_rope(text.head_dim, text.rope_theta, config.rope_sets());
  const std::string embedding = prefix + "wte.weight";
  decoder.embedding = loader.embedding(embedding, text.vocabulary, text.hidden);
  for (int64_t i = 0; i < text.layers; ++i)
    decoder.layers.push_back(load_layer(loader, config, prefix + "h." + std::to_string(i) + "."));
  decoder.norm = load_rms_norm(loader, prefix + "ln_f.weight", text.hidden, text.rms_eps, kRole);
  decoder.head.weight = loader.linear(text.tied_embeddings ? embedding : "lm_head.weight",
                                      text.vocabulary, text.hidden, load::Role::head);
  return decoder;
}

}  // namespace visavis::models::qwen_vl_chat
