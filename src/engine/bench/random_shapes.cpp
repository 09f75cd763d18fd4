#include "engine/bench/random_shapes.h"

#include "base/error.h"

namespace visavis::bench {
namespace {

using checkpoint::TensorSpec;
using tensor::DType;
using tensor::Shape;

constexpr int64_t kQwenPatch = 16;
constexpr int64_t kMerge = 2;
constexpr int64_t kVitPatch = 14;

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
  const TextShape& text = shape.text;
  const bool bias = shape.family == Family::qwen2_5_vl;
  out.add(prefix + "embed_tokens.weight", {text.vocabulary, text.hidden});
  for (int64_t i = 0; i < text.layers; ++i) {
    const std::string layer = prefix + "layers." + std::to_string(i) + ".";
    const std::string attention = layer + "self_attn.";
    out.norm(layer + "input_layernorm", text.hidden, false);
    out.linear(attention + "q_proj", text.heads * text.head_dim, text.hidden, bias);
    out.linear(attention + "k_proj", text.kv_heads * text.head_dim, text.hidden, bias);
    out.linear(attention + "v_proj", text.kv_heads * text.head_dim, text.hidden, bias);
    out.linear(attention + "o_proj", text.hidden, text.heads * text.head_dim, false);
    if (shape.family == Family::qwen3_vl) {
      out.norm(attention + "q_norm", text.head_dim, false);
      out.norm(attention + "k_norm", text.head_dim, false);
    }
    out.norm(layer + "post_attention_layernorm", text.hidden, false);
    out.linear(layer + "mlp.gate_proj", text.ffn, text.hidden, false);
    out.linear(layer + "mlp.up_proj", text.ffn, text.hidden, false);
    out.linear(layer + "mlp.down_proj", text.hidden, text.ffn, false);
  }
  out.norm(prefix + "norm", text.hidden, false);
}

void add_merger(Tensors& out, const RandomShape& shape, const std::string& prefix,
                int64_t norm_width) {
  const int64_t merged = shape.vision.hidden * kMerge * kMerge;
  out.norm(prefix + "norm", norm_width, true);
  out.linear(prefix + "linear_fc1", merged, merged, true);
  out.linear(prefix + "linear_fc2", shape.text.hidden, merged, true);
}

void add_qwen_vision(Tensors& out, const RandomShape& shape) {
  const std::string visual = "model.visual.";
  const int64_t width = shape.vision.hidden;
  out.add(visual + "patch_embed.proj.weight", {width, 3, 2, kQwenPatch, kQwenPatch});
  out.add(visual + "patch_embed.proj.bias", {width});
  out.add(visual + "pos_embed.weight", {shape.vision.positions, width});
  for (int64_t i = 0; i < shape.vision.depth; ++i) {
    const std::string block = visual + "blocks." + std::to_string(i) + ".";
    out.norm(block + "norm1", width, true);
    out.linear(block + "attn.qkv", 3 * width, width, true);
    out.linear(block + "attn.proj", width, width, true);
    out.norm(block + "norm2", width, true);
    out.linear(block + "mlp.linear_fc1", shape.vision.ffn, width, true);
    out.linear(block + "mlp.linear_fc2", width, shape.vision.ffn, true);
  }
  add_merger(out, shape, visual + "merger.", width);
  for (size_t i = 0; i < shape.vision.blocks.size(); ++i)
    add_merger(out, shape, visual + "deepstack_merger_list." + std::to_string(i) + ".",
               width * kMerge * kMerge);
}

// As published: the vision tower outside of `model.`, windows as a setting only.
void add_windowed_vision(Tensors& out, const RandomShape& shape) {
  const std::string visual = "visual.";
  const int64_t width = shape.vision.hidden;
  out.add(visual + "patch_embed.proj.weight", {width, 3, 2, kVitPatch, kVitPatch});
  for (int64_t i = 0; i < shape.vision.depth; ++i) {
    const std::string block = visual + "blocks." + std::to_string(i) + ".";
    out.norm(block + "norm1", width, false);
    out.linear(block + "attn.qkv", 3 * width, width, true);
    out.linear(block + "attn.proj", width, width, true);
    out.norm(block + "norm2", width, false);
    out.linear(block + "mlp.gate_proj", shape.vision.ffn, width, true);
    out.linear(block + "mlp.up_proj", shape.vision.ffn, width, true);
    out.linear(block + "mlp.down_proj", width, shape.vision.ffn, true);
  }
  const int64_t merged = width * kMerge * kMerge;
  out.norm(visual + "merger.ln_q", width, false);
  out.linear(visual + "merger.mlp.0", merged, merged, true);
  out.linear(visual + "merger.mlp.2", shape.text.hidden, merged, true);
}

void add_clip(Tensors& out, const RandomShape& shape) {
  const std::string tower = "vision_tower.vision_model.";
  const int64_t width = shape.vision.hidden;
  const int64_t side = shape.vision.positions / kVitPatch;
  out.add(tower + "embeddings.class_embedding", {width});
  out.add(tower + "embeddings.patch_embedding.weight", {width, 3, kVitPatch, kVitPatch});
  out.add(tower + "embeddings.position_embedding.weight", {side * side + 1, width});
  out.norm(tower + "pre_layrnorm", width, true);
  for (int64_t i = 0; i < shape.vision.depth; ++i) {
    const std::string layer = tower + "encoder.layers." + std::to_string(i) + ".";
    out.norm(layer + "layer_norm1", width, true);
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
      out.linear(layer + "self_attn." + part, width, width, true);
    out.norm(layer + "layer_norm2", width, true);
    out.linear(layer + "mlp.fc1", shape.vision.ffn, width, true);
    out.linear(layer + "mlp.fc2", width, shape.vision.ffn, true);
  }
  out.norm(tower + "post_layernorm", width, true);
  out.linear("multi_modal_projector.linear_1", shape.text.hidden, width, true);
  out.linear("multi_modal_projector.linear_2", shape.text.hidden, shape.text.hidden, true);
}

}  // namespace

const std::vector<RandomShape>& random_shapes() {
  using enum Family;
  static const VisionShape clip = {1024, 24, 16, 4096, 336, {}};
  static const VisionShape small_qwen3 = {1024, 24, 16, 4096, 2304, {5, 11, 17}};
  static const VisionShape qwen3 = {1152, 27, 16, 4304, 2304, {8, 16, 24}};
  static const VisionShape qwen2_5 = {1280, 32, 16, 3420, 0, {7, 15, 23, 31}};
  static const VisionShape wide_qwen2_5 = {1280, 32, 16, 3456, 0, {7, 15, 23, 31}};
  static const std::vector<RandomShape> shapes = {
      {"qwen3-vl-tiny",
       qwen3_vl,
       {2048, 256, 4, 4, 2, 64, 512, true},
       {128, 4, 4, 256, 400, {0, 1, 2}}},
      {"qwen3-vl-2b", qwen3_vl, {151936, 2048, 28, 16, 8, 128, 6144, true}, small_qwen3},
      {"qwen3-vl-4b", qwen3_vl, {151936, 2560, 36, 32, 8, 128, 9728, true}, small_qwen3},
      {"qwen3-vl-8b", qwen3_vl, {151936, 4096, 36, 32, 8, 128, 12288, false}, qwen3},
      {"qwen3-vl-32b", qwen3_vl, {151936, 5120, 64, 64, 8, 128, 25600, false}, qwen3},
      {"qwen2.5-vl-tiny",
       qwen2_5_vl,
       {2048, 256, 4, 4, 2, 64, 512, true},
       {128, 4, 4, 256, 0, {1, 3}}},
      {"qwen2.5-vl-3b", qwen2_5_vl, {151936, 2048, 36, 16, 2, 128, 11008, true}, qwen2_5},
      {"qwen2.5-vl-7b", qwen2_5_vl, {152064, 3584, 28, 28, 4, 128, 18944, false}, qwen2_5},
      {"qwen2.5-vl-32b", qwen2_5_vl, {152064, 5120, 64, 40, 8, 128, 27648, false}, wide_qwen2_5},
      {"llava-tiny", llava, {2048, 256, 4, 4, 4, 64, 512, false}, {128, 4, 4, 256, 224, {}}},
      {"llava-1.5-7b", llava, {32064, 4096, 32, 32, 32, 128, 11008, false}, clip},
      {"llava-1.5-13b", llava, {32064, 5120, 40, 40, 40, 128, 13824, false}, clip},
      {"llava-1.6-vicuna-7b", llava_next, {32064, 4096, 32, 32, 32, 128, 11008, false}, clip},
      {"llava-1.6-mistral-7b", llava_next, {32064, 4096, 32, 32, 8, 128, 14336, false}, clip},
      {"llava-1.6-vicuna-13b", llava_next, {32064, 5120, 40, 40, 40, 128, 13824, false}, clip},
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
    if (!shape.text.tied) out.add("lm_head.weight", {shape.text.vocabulary, shape.text.hidden});
    add_qwen_vision(out, shape);
    return out.specs;
  }
  if (shape.family == Family::qwen2_5_vl) {
    Tensors out(DType::bf16);
    add_decoder(out, shape, "model.");
    if (!shape.text.tied) out.add("lm_head.weight", {shape.text.vocabulary, shape.text.hidden});
    add_windowed_vision(out, shape);
    return out.specs;
  }
  Tensors out(DType::f16);
  if (shape.family == Family::llava_next) out.add("image_newline", {shape.text.hidden});
  add_clip(out, shape);
  add_decoder(out, shape, "language_model.model.");
  if (!shape.text.tied)
    out.add("language_model.lm_head.weight", {shape.text.vocabulary, shape.text.hidden});
  return out.specs;
}

}  // namespace visavis::bench
