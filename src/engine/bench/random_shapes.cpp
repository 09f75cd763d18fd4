#include "engine/bench/random_shapes.h"

#include "base/error.h"

namespace visavis::bench {
namespace {

using base::Json;
using checkpoint::TensorSpec;
using tensor::DType;
using tensor::Shape;

constexpr int64_t kQwenPatch = 16;
constexpr int64_t kMerge = 2;
constexpr int64_t kClipPatch = 14;

class Tensors {
 public:
  explicit Tensors(DType dtype) : dtype_(dtype) {}

  void add(const std::string& name, const Shape& shape) { specs.push_back({name, dtype_, shape}); }
  void norm(const std::string& name, int64_t width, bool bias) {
    add(name + ".weight", {width});
    if (bias) add(name + ".bias", {width});
  }
  void linear(const std::string& name, int64_t out, int64_t in, bool bias) {
    add(name + ".weight", {out, in});
    if (bias) add(name + ".bias", {out});
  }

  std::vector<TensorSpec> specs;

 private:
  DType dtype_;
};

void add_decoder(Tensors& out, const RandomShape& shape, const std::string& prefix) {
  out.add(prefix + "embed_tokens.weight", {shape.vocabulary, shape.hidden});
  for (int64_t i = 0; i < shape.layers; ++i) {
    const std::string layer = prefix + "layers." + std::to_string(i) + ".";
    const std::string attention = layer + "self_attn.";
    out.norm(layer + "input_layernorm", shape.hidden, false);
    out.linear(attention + "q_proj", shape.heads * shape.head_dim, shape.hidden, false);
    out.linear(attention + "k_proj", shape.kv_heads * shape.head_dim, shape.hidden, false);
    out.linear(attention + "v_proj", shape.kv_heads * shape.head_dim, shape.hidden, false);
    out.linear(attention + "o_proj", shape.hidden, shape.heads * shape.head_dim, false);
    if (shape.family == Family::qwen3_vl) {
      out.norm(attention + "q_norm", shape.head_dim, false);
      out.norm(attention + "k_norm", shape.head_dim, false);
    }
    out.norm(layer + "post_attention_layernorm", shape.hidden, false);
    out.linear(layer + "mlp.gate_proj", shape.ffn, shape.hidden, false);
    out.linear(layer + "mlp.up_proj", shape.ffn, shape.hidden, false);
    out.linear(layer + "mlp.down_proj", shape.hidden, shape.ffn, false);
  }
  out.norm(prefix + "norm", shape.hidden, false);
}

void add_merger(Tensors& out, const RandomShape& shape, const std::string& prefix,
                int64_t norm_width) {
  const int64_t merged = shape.vision_hidden * kMerge * kMerge;
  out.norm(prefix + "norm", norm_width, true);
  out.linear(prefix + "linear_fc1", merged, merged, true);
  out.linear(prefix + "linear_fc2", shape.hidden, merged, true);
}

void add_qwen_vision(Tensors& out, const RandomShape& shape) {
  const std::string visual = "model.visual.";
  const int64_t width = shape.vision_hidden;
  out.add(visual + "patch_embed.proj.weight", {width, 3, 2, kQwenPatch, kQwenPatch});
  out.add(visual + "patch_embed.proj.bias", {width});
  out.add(visual + "pos_embed.weight", {shape.vision_positions, width});
  for (int64_t i = 0; i < shape.vision_depth; ++i) {
    const std::string block = visual + "blocks." + std::to_string(i) + ".";
    out.norm(block + "norm1", width, true);
    out.linear(block + "attn.qkv", 3 * width, width, true);
    out.linear(block + "attn.proj", width, width, true);
    out.norm(block + "norm2", width, true);
    out.linear(block + "mlp.linear_fc1", shape.vision_ffn, width, true);
    out.linear(block + "mlp.linear_fc2", width, shape.vision_ffn, true);
  }
  add_merger(out, shape, visual + "merger.", width);
  for (size_t i = 0; i < shape.taps.size(); ++i)
    add_merger(out, shape, visual + "deepstack_merger_list." + std::to_string(i) + ".",
               width * kMerge * kMerge);
}

void add_clip(Tensors& out, const RandomShape& shape) {
  const std::string tower = "vision_tower.vision_model.";
  const int64_t width = shape.vision_hidden;
  const int64_t side = shape.vision_positions / kClipPatch;
  out.add(tower + "embeddings.class_embedding", {width});
  out.add(tower + "embeddings.patch_embedding.weight", {width, 3, kClipPatch, kClipPatch});
  out.add(tower + "embeddings.position_embedding.weight", {side * side + 1, width});
  out.norm(tower + "pre_layrnorm", width, true);
  for (int64_t i = 0; i < shape.vision_depth; ++i) {
    const std::string layer = tower + "encoder.layers." + std::to_string(i) + ".";
    out.norm(layer + "layer_norm1", width, true);
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
      out.linear(layer + "self_attn." + part, width, width, true);
    out.norm(layer + "layer_norm2", width, true);
    out.linear(layer + "mlp.fc1", shape.vision_ffn, width, true);
    out.linear(layer + "mlp.fc2", width, shape.vision_ffn, true);
  }
  out.norm(tower + "post_layernorm", width, true);
  out.linear("multi_modal_projector.linear_1", shape.hidden, width, true);
  out.linear("multi_modal_projector.linear_2", shape.hidden, shape.hidden, true);
}

Json qwen_config(const RandomShape& shape) {
  const int64_t half = shape.head_dim / 2;
  const int64_t side_section = half * 5 / 16;  // 20 of 64
  Json text = {{"attention_bias", false},
               {"dtype", "bfloat16"},
               {"head_dim", shape.head_dim},
               {"hidden_act", "silu"},
               {"hidden_size", shape.hidden},
               {"intermediate_size", shape.ffn},
               {"max_position_embeddings", 262144},
               {"model_type", "qwen3_vl_text"},
               {"num_attention_heads", shape.heads},
               {"num_hidden_layers", shape.layers},
               {"num_key_value_heads", shape.kv_heads},
               {"rms_norm_eps", 1e-6},
               {"rope_scaling",
                {{"mrope_interleaved", true},
                 {"mrope_section", {half - 2 * side_section, side_section, side_section}},
                 {"rope_type", "default"}}},
               {"rope_theta", 5000000},
               {"vocab_size", shape.vocabulary}};
  Json vision = {{"deepstack_visual_indexes", shape.taps},
                 {"depth", shape.vision_depth},
                 {"hidden_act", "gelu_pytorch_tanh"},
                 {"hidden_size", shape.vision_hidden},
                 {"in_channels", 3},
                 {"intermediate_size", shape.vision_ffn},
                 {"model_type", "qwen3_vl"},
                 {"num_heads", shape.vision_heads},
                 {"num_position_embeddings", shape.vision_positions},
                 {"out_hidden_size", shape.hidden},
                 {"patch_size", kQwenPatch},
                 {"spatial_merge_size", kMerge},
                 {"temporal_patch_size", 2}};
  return {{"architectures", {"Qwen3VLForConditionalGeneration"}},
          {"image_token_id", 151655},
          {"model_type", "qwen3_vl"},
          {"text_config", text},
          {"tie_word_embeddings", shape.tied},
          {"video_token_id", 151656},
          {"vision_config", vision},
          {"vision_end_token_id", 151653},
          {"vision_start_token_id", 151652}};
}

Json llava_config(const RandomShape& shape) {
  Json text = {{"architectures", {"LlamaForCausalLM"}},
               {"hidden_size", shape.hidden},
               {"intermediate_size", shape.ffn},
               {"max_position_embeddings", 4096},
               {"model_type", "llama"},
               {"num_attention_heads", shape.heads},
               {"num_hidden_layers", shape.layers},
               {"num_key_value_heads", shape.kv_heads},
               {"rms_norm_eps", 1e-5},
               {"torch_dtype", "float16"},
               {"vocab_size", shape.vocabulary}};
  Json vision = {{"hidden_size", shape.vision_hidden},
                 {"image_size", shape.vision_positions},
                 {"intermediate_size", shape.vision_ffn},
                 {"model_type", "clip_vision_model"},
                 {"num_attention_heads", shape.vision_heads},
                 {"num_hidden_layers", shape.vision_depth},
                 {"patch_size", kClipPatch},
                 {"projection_dim", 768}};
  return {{"architectures", {"LlavaForConditionalGeneration"}},
          {"ignore_index", -100},
          {"image_token_index", 32000},
          {"model_type", "llava"},
          {"pad_token_id", 32001},
          {"projector_hidden_act", "gelu"},
          {"text_config", text},
          {"tie_word_embeddings", shape.tied},
          {"torch_dtype", "float16"},
          {"vision_config", vision},
          {"vision_feature_layer", -2},
          {"vision_feature_select_strategy", "default"}};
}

}  // namespace

const std::vector<RandomShape>& random_shapes() {
  using enum Family;
  static const std::vector<RandomShape> shapes = {
      {"qwen3-vl-tiny",
       qwen3_vl,
       2048,
       256,
       4,
       4,
       2,
       64,
       512,
       true,
       128,
       4,
       4,
       256,
       400,
       {0, 1, 2}},
      {"qwen3-vl-2b",
       qwen3_vl,
       151936,
       2048,
       28,
       16,
       8,
       128,
       6144,
       true,
       1024,
       24,
       16,
       4096,
       2304,
       {5, 11, 17}},
      {"qwen3-vl-4b",
       qwen3_vl,
       151936,
       2560,
       36,
       32,
       8,
       128,
       9728,
       true,
       1024,
       24,
       16,
       4096,
       2304,
       {5, 11, 17}},
      {"qwen3-vl-8b",
       qwen3_vl,
       151936,
       4096,
       36,
       32,
       8,
       128,
       12288,
       false,
       1152,
       27,
       16,
       4304,
       2304,
       {8, 16, 24}},
      {"llava-tiny", llava, 2048, 256, 4, 4, 4, 64, 512, false, 128, 4, 4, 256, 224, {}},
      {"llava-1.5-7b",
       llava,
       32064,
       4096,
       32,
       32,
       32,
       128,
       11008,
       false,
       1024,
       24,
       16,
       4096,
       336,
       {}},
      {"llava-1.5-13b",
       llava,
       32064,
       5120,
       40,
       40,
       40,
       128,
       13824,
       false,
       1024,
       24,
       16,
       4096,
       336,
       {}},
  };
  return shapes;
}

const RandomShape& random_shape(std::string_view name) {
  std::string known;
  for (const RandomShape& shape : random_shapes()) {
    if (shape.name == name) return shape;
    known += (known.empty() ? "" : ", ") + std::string(shape.name);
  }
  fail("no shape '", name, "'; known: ", known);
}

std::vector<TensorSpec> tensors_of(const RandomShape& shape) {
  if (shape.family == Family::qwen3_vl) {
    Tensors out(DType::bf16);
    add_decoder(out, shape, "model.language_model.");
    if (!shape.tied) out.add("lm_head.weight", {shape.vocabulary, shape.hidden});
    add_qwen_vision(out, shape);
    return out.specs;
  }
  Tensors out(DType::f16);
  add_clip(out, shape);
  add_decoder(out, shape, "language_model.model.");
  if (!shape.tied) out.add("language_model.lm_head.weight", {shape.vocabulary, shape.hidden});
  return out.specs;
}

Json config_of(const RandomShape& shape) {
  return shape.family == Family::qwen3_vl ? qwen_config(shape) : llava_config(shape);
}

Json preprocessor_of(const RandomShape& shape) {
  if (shape.family == Family::qwen3_vl)
    return {{"size", {{"longest_edge", 16777216}, {"shortest_edge", 65536}}},
            {"patch_size", kQwenPatch},
            {"temporal_patch_size", 2},
            {"merge_size", kMerge},
            {"image_mean", {0.5, 0.5, 0.5}},
            {"image_std", {0.5, 0.5, 0.5}},
            {"processor_class", "Qwen3VLProcessor"},
            {"image_processor_type", "Qwen2VLImageProcessorFast"}};
  const int64_t side = shape.vision_positions;
  return {{"crop_size", {{"height", side}, {"width", side}}},
          {"do_center_crop", true},
          {"do_convert_rgb", true},
          {"do_normalize", true},
          {"do_rescale", true},
          {"do_resize", true},
          {"image_mean", {0.48145466, 0.4578275, 0.40821073}},
          {"image_processor_type", "CLIPImageProcessor"},
          {"image_std", {0.26862954, 0.26130258, 0.27577711}},
          {"processor_class", "LlavaProcessor"},
          {"resample", 3},
          {"rescale_factor", 1.0 / 255},
          {"size", {{"shortest_edge", side}}}};
}

}  // namespace visavis::bench
