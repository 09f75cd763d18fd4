#include "engine/models/llava/names.h"

#include <utility>

#include "engine/models/llava/config.h"
#include "engine/models/renamed_source.h"

namespace visavis::models::llava {

namespace {

using Rows = RenameRule::Rows;

const std::string kText = "language_model.model.";
const std::string kTower = "vision_tower.vision_model.";

// llama.cpp's names.
std::vector<RenameRule> gguf_rules(const checkpoint::TensorSource& stored, const Config& config) {
  const std::string layer = kText + "layers.{}.";
  const std::string block = kTower + "encoder.layers.{}.";
  const int64_t head = config.text.head_dim;
  std::vector<RenameRule> rules = {
      {"token_embd.weight", kText + "embed_tokens.weight", Rows::vocabulary,
       config.text.vocabulary},
      {"output.weight", "language_model.lm_head.weight", Rows::vocabulary, config.text.vocabulary},
      {"output_norm.weight", kText + "norm.weight"},
      {"blk.{}.attn_norm.weight", layer + "input_layernorm.weight"},
      {"blk.{}.ffn_norm.weight", layer + "post_attention_layernorm.weight"},
      {"blk.{}.attn_q.weight", layer + "self_attn.q_proj.weight", Rows::rotary, head},
      {"blk.{}.attn_k.weight", layer + "self_attn.k_proj.weight", Rows::rotary, head},
      {"blk.{}.attn_v.weight", layer + "self_attn.v_proj.weight"},
      {"blk.{}.attn_output.weight", layer + "self_attn.o_proj.weight"},
      {"blk.{}.ffn_gate.weight", layer + "mlp.gate_proj.weight"},
      {"blk.{}.ffn_up.weight", layer + "mlp.up_proj.weight"},
      {"blk.{}.ffn_down.weight", layer + "mlp.down_proj.weight"},
      {"v.class_embd", kTower + "embeddings.class_embedding"},
      {"v.patch_embd.weight", kTower + "embeddings.patch_embedding.weight"},
      {"v.position_embd.weight", kTower + "embeddings.position_embedding.weight"},
  };
  // Older files call the two layers of the tower's MLP the other way round.
  const checkpoint::TensorInfo* up = stored.find("v.blk.0.ffn_up.weight");
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
  const bool counted_from_one = stored.find("mm.0.weight") == nullptr;
  for (const char* end : {".weight", ".bias"}) {
    for (const auto& [gguf, name] : linears)
      rules.push_back({std::string("v.blk.{}.") + gguf + end, block + name + end});
    rules.push_back({std::string("v.pre_ln") + end, kTower + "pre_layrnorm" + end});
    rules.push_back({std::string("v.post_ln") + end, kTower + "post_layernorm" + end});
    rules.push_back({std::string(counted_from_one ? "mm.1" : "mm.0") + end,
                     std::string("multi_modal_projector.linear_1") + end});
    rules.push_back(
        {std::string("mm.2") + end, std::string("multi_modal_projector.linear_2") + end});
  }
  return rules;
}

// Those of LLaVA's authors: a LLaMA model with a projector, and CLIP's tower beside or inside it.
std::vector<RenameRule> authors_rules(const Config& config) {
  std::vector<RenameRule> rules = {
      {"model.embed_tokens.weight", kText + "embed_tokens.weight", Rows::vocabulary,
       config.text.vocabulary},
      {"lm_head.weight", "language_model.lm_head.weight", Rows::vocabulary, config.text.vocabulary},
      {"model.norm.weight", kText + "norm.weight"},
  };
  for (const char* norm : {"input_layernorm", "post_attention_layernorm"}) {
    const std::string name = std::string("layers.{}.") + norm + ".weight";
    rules.push_back({"model." + name, kText + name});
  }
  std::vector<std::string> tower = {"embeddings.class_embedding",
                                    "embeddings.patch_embedding.weight",
                                    "embeddings.position_embedding.weight"};
  for (const std::string end : {".weight", ".bias"}) {
    for (const char* linear :
         {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
          "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
      const std::string name = std::string("layers.{}.") + linear + end;
      rules.push_back({"model." + name, kText + name});
    }
    for (const char* part :
         {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj",
          "layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2"})
      tower.push_back(std::string("encoder.layers.{}.") + part + end);
    for (const char* norm : {"pre_layrnorm", "post_layernorm"}) tower.push_back(norm + end);
    rules.push_back({"model.mm_projector.0" + end, "multi_modal_projector.linear_1" + end});
    rules.push_back({"model.mm_projector.2" + end, "multi_modal_projector.linear_2" + end});
  }
  for (const std::string prefix :
       {"vision_model.", "model.vision_tower.vision_tower.vision_model."})
    for (const std::string& name : tower) rules.push_back({prefix + name, kTower + name});
  return rules;
}

}  // namespace

std::unique_ptr<checkpoint::TensorSource> with_hub_names(
    std::unique_ptr<checkpoint::TensorSource> stored, const checkpoint::ConfigReader& reader) {
  const bool gguf = stored->find("token_embd.weight") != nullptr;
  if (!gguf && stored->find("model.mm_projector.0.weight") == nullptr) return stored;
  const Config config = read_config(reader, {"llama"});
  const std::vector<RenameRule> rules = gguf ? gguf_rules(*stored, config) : authors_rules(config);
  return std::make_unique<RenamedSource>(std::move(stored), rules);
}

}  // namespace visavis::models::llava
