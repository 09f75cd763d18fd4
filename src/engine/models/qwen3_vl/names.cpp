#include "engine/models/qwen3_vl/names.h"

#include <utility>

#include "engine/models/qwen3_vl/config.h"
#include "engine/models/renamed_source.h"

namespace visavis::models::qwen3_vl {

std::unique_ptr<checkpoint::TensorSource> with_hub_names(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& reader) {
  if (stored->find("token_embd.weight") == nullptr) return stored;
  const Config config = read_config(reader);
  const std::string text = "model.language_model.";
  const std::string layer = text + "layers.{}.";
  const std::string vision = "model.visual.";
  const std::string block = vision + "blocks.{}.";
  std::vector<RenameRule> rules = {
      {"token_embd.weight", text + "embed_tokens.weight"},
      {"output_norm.weight", text + "norm.weight"},
      {"output.weight", "lm_head.weight"},
      {"blk.{}.attn_norm.weight", layer + "input_layernorm.weight"},
      {"blk.{}.attn_q_norm.weight", layer + "self_attn.q_norm.weight"},
      {"blk.{}.attn_k_norm.weight", layer + "self_attn.k_norm.weight"},
      {"blk.{}.ffn_norm.weight", layer + "post_attention_layernorm.weight"},
      {"v.patch_embd.weight", vision + "patch_embed.proj.weight", RenameRule::Rows::paired},
      {"v.patch_embd.bias", vision + "patch_embed.proj.bias"},
      {"v.position_embd.weight", vision + "pos_embed.weight"},
  };
  const std::pair<const char*, const char*> linears[] = {
      {"attn_q", "self_attn.q_proj"}, {"attn_k", "self_attn.k_proj"},
      {"attn_v", "self_attn.v_proj"}, {"attn_output", "self_attn.o_proj"},
      {"ffn_gate", "mlp.gate_proj"},  {"ffn_up", "mlp.up_proj"},
      {"ffn_down", "mlp.down_proj"},
  };
  const std::pair<const char*, const char*> tower[] = {
      {"attn_qkv", "attn.qkv"}, {"attn_out", "attn.proj"},    {"ln1", "norm1"},
      {"ln2", "norm2"},         {"ffn_up", "mlp.linear_fc1"}, {"ffn_down", "mlp.linear_fc2"},
  };
  for (const char* end : {".weight", ".bias"}) {
    for (const auto& [gguf, name] : linears)
      rules.push_back({std::string("blk.{}.") + gguf + end, layer + name + end});
    for (const auto& [gguf, name] : tower)
      rules.push_back({std::string("v.blk.{}.") + gguf + end, block + name + end});
    rules.push_back({std::string("v.post_ln") + end, vision + "merger.norm" + end});
    rules.push_back({std::string("mm.0") + end, vision + "merger.linear_fc1" + end});
    rules.push_back({std::string("mm.2") + end, vision + "merger.linear_fc2" + end});
    // GGUF counts blocks, the hub the mergers behind them.
    for (size_t i = 0; i < config.vision.deepstack_taps.size(); ++i) {
      const std::string from =
          "v.deepstack." + std::to_string(config.vision.deepstack_taps[i]) + ".";
      const std::string to = vision + "deepstack_merger_list." + std::to_string(i) + ".";
      rules.push_back({from + "norm" + end, to + "norm" + end});
      rules.push_back({from + "fc1" + end, to + "linear_fc1" + end});
      rules.push_back({from + "fc2" + end, to + "linear_fc2" + end});
    }
  }
  return std::make_unique<RenamedSource>(std::move(stored), rules);
}

}  // namespace visavis::models::qwen3_vl
