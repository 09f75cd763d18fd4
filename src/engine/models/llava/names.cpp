#include "engine/models/llava/names.h"

#include <utility>

#include "engine/models/llava/config.h"
#include "engine/models/renamed_source.h"

namespace visavis::models::llava {

std::unique_ptr<checkpoint::TensorSource> with_hub_names(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& reader) {
  if (stored->find("token_embd.weight") == nullptr) return stored;
  const Config config = read_config(reader, {"llama"});
  using Rows = RenameRule::Rows;
  const std::string text = "language_model.model.";
  const std::string layer = text + "layers.{}.";
  const std::string tower = "vision_tower.vision_model.";
  const std::string block = tower + "encoder.layers.{}.";
  const int64_t head = config.text.head_dim;
  std::vector<RenameRule> rules = {
      {"token_embd.weight", text + "embed_tokens.weight", Rows::vocabulary, config.text.vocabulary},
      {"output.weight", "language_model.lm_head.weight", Rows::vocabulary, config.text.vocabulary},
      {"output_norm.weight", text + "norm.weight"},
      {"blk.{}.attn_norm.weight", layer + "input_layernorm.weight"},
      {"blk.{}.ffn_norm.weight", layer + "post_attention_layernorm.weight"},
      {"blk.{}.attn_q.weight", layer + "self_attn.q_proj.weight", Rows::rotary, head},
      {"blk.{}.attn_k.weight", layer + "self_attn.k_proj.weight", Rows::rotary, head},
      {"blk.{}.attn_v.weight", layer + "self_attn.v_proj.weight"},
      {"blk.{}.attn_output.weight", layer + "self_attn.o_proj.weight"},
      {"blk.{}.ffn_gate.weight", layer + "mlp.gate_proj.weight"},
      {"blk.{}.ffn_up.weight", layer + "mlp.up_proj.weight"},
      {"blk.{}.ffn_down.weight", layer + "mlp.down_proj.weight"},
      {"v.class_embd", tower + "embeddings.class_embedding"},
      {"v.patch_embd.weight", tower + "embeddings.patch_embedding.weight"},
      {"v.position_embd.weight", tower + "embeddings.position_embedding.weight"},
  };
  // Older files call the two layers of the tower's MLP the other way round.
  const checkpoint::TensorInfo* up = stored->find("v.blk.0.ffn_up.weight");
  const bool swapped = up != nullptr && up->shape.rank() == 2 &&
                       up->shape[0] == config.vision.hidden &&
                       config.vision.hidden != config.vision.ffn;
  const std::pair<const char*, const char*> linears[] = {
      {"attn_q", "self_attn.q_proj"},
      {"attn_k", "self_attn.k_proj"},
      {"attn_v", "self_attn.v_proj"},
      {"attn_out", "self_attn.out_proj"},
      {"ln1", "layer_norm1"},
      {"ln2", "layer_norm2"},
      {"ffn_up", swapped ? "mlp.fc2" : "mlp.fc1"},
      {"ffn_down", swapped ? "mlp.fc1" : "mlp.fc2"},
  };
  const bool counted_from_one = stored->find("mm.0.weight") == nullptr;
  for (const char* end : {".weight", ".bias"}) {
    for (const auto& [gguf, name] : linears)
      rules.push_back({std::string("v.blk.{}.") + gguf + end, block + name + end});
    rules.push_back({std::string("v.pre_ln") + end, tower + "pre_layrnorm" + end});
    rules.push_back({std::string("v.post_ln") + end, tower + "post_layernorm" + end});
    rules.push_back({std::string(counted_from_one ? "mm.1" : "mm.0") + end,
                     std::string("multi_modal_projector.linear_1") + end});
    rules.push_back(
        {std::string("mm.2") + end, std::string("multi_modal_projector.linear_2") + end});
  }
  return std::make_unique<RenamedSource>(std::move(stored), rules);
}

}  // namespace visavis::models::llava
