#include "engine/models/llava/vision.h"

#include <algorithm>
#include <numeric>

#include "engine/models/patches.h"
#include "engine/models/weights.h"

namespace visavis::models::llava {
namespace {

using tensor::Arena;

constexpr auto kRole = load::Role::vision;
constexpr int64_t kFloatBytes = sizeof(float);

int64_t patches_of(const VisionConfig& config) { return config.grid() * config.grid(); }

nn::VisionBlock load_block(load::WeightLoader& loader, const VisionConfig& config,
                           const std::string& prefix) {
  const int64_t width = config.hidden;
  const auto square = [&](const char* name) {
    return load_linear(loader, prefix + "self_attn." + name, width, width, kRole, true);
  };
  nn::VisionBlock block;
  block.norm1 = load_layer_norm(loader, prefix + "layer_norm1.", width, config.eps, kRole);
  block.norm2 = load_layer_norm(loader, prefix + "layer_norm2.", width, config.eps, kRole);
  block.attention.heads = config.heads;
  block.attention.head_dim = config.head_dim;
  block.attention.q = square("q_proj.");
  block.attention.k = square("k_proj.");
  block.attention.v = square("v_proj.");
  block.attention.o = square("out_proj.");
  block.mlp.activation = config.activation;
  block.mlp.fc1 = load_linear(loader, prefix + "mlp.fc1.", config.ffn, width, kRole, true);
  block.mlp.fc2 = load_linear(loader, prefix + "mlp.fc2.", width, config.ffn, kRole, true);
  return block;
}

// Rows first, first + step, ... as an index that device operations read.
ops::MutView spaced_rows(ops::Ops& ops, int64_t first, int64_t step, int64_t count, Arena& arena) {
  std::vector<int32_t> rows;
  for (int64_t i = 0; i < count; ++i) rows.push_back(static_cast<int32_t>(first + i * step));
  const ops::MutView index = arena.take(tensor::DType::i32, {count});
  ops.upload(rows.data(), index);
  return index;
}

}  // namespace

Vision load_vision(load::WeightLoader& loader, const Config& config, const std::string& tower,
                   const std::string& projector) {
  const VisionConfig& clip = config.vision;
  const int64_t width = clip.hidden;
  Vision vision;
  vision.config = config;
  vision.patch_embed = load_linear(loader, tower + "embeddings.patch_embedding.", width,
                                   3 * clip.patch * clip.patch, kRole, false);
  vision.class_token = loader.vector(tower + "embeddings.class_embedding", width, kRole);
  vision.positions = loader.vector(tower + "embeddings.position_embedding.weight",
                                   (1 + patches_of(clip)) * width, kRole);
  vision.pre_norm = load_layer_norm(loader, tower + "pre_layrnorm.", width, clip.eps, kRole);
  for (int64_t i = 0; i < config.blocks_needed(); ++i) {
    vision.blocks.push_back(
        load_block(loader, clip, tower + "encoder.layers." + std::to_string(i) + "."));
  }
  const auto inputs = width * static_cast<int64_t>(config.feature_layers.size());
  vision.projector.activation = config.projector_activation;
  vision.projector.fc1 = load_linear(loader, projector + "linear_1.", config.text.hidden, inputs,
                                     kRole, config.projector_bias);
  vision.projector.fc2 = load_linear(loader, projector + "linear_2.", config.text.hidden,
                                     config.text.hidden, kRole, config.projector_bias);
  return vision;
}

ImageFeatures Vision::encode(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                             tensor::Arena& features) const {
  ImageFeatures result;
  result.rows = features.take_f32({config.image_tokens(), config.text.hidden});
  encode_into(ops, picture, workspace, result.rows);
  return result;
}

void Vision::encode_into(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                         tensor::MutView result) const {
  const tensor::ArenaScope scope(workspace);
  const VisionConfig& clip = config.vision;
  const int64_t width = clip.hidden;
  const int64_t patches = patches_of(clip);
  const int64_t rows = 1 + patches;
  const ops::MutView x = workspace.take_f32({rows, width});
  const auto layers = static_cast<int64_t>(config.feature_layers.size());
  const int64_t tokens = config.image_tokens();
  const ops::MutView selected = workspace.take_f32({tokens * layers, width});

  // embeddings: class token, then patches; + positions; pre_layrnorm
  {
    const tensor::ArenaScope patch_scope(workspace);
    const ops::MutView values = workspace.take_f32({patches, 3 * clip.patch * clip.patch});
    cut_patches(ops, picture,
                {.grid_h = clip.grid(),
                 .grid_w = clip.grid(),
                 .patch_h = clip.patch,
                 .patch_w = clip.patch},
                workspace, values);
    patch_embed.run(ops, values, tensor::slice_rows(x, 1, rows));
    const ops::View first{tensor::DType::f32, {1, width}, class_token.data()};
    ops.set_rows(first, spaced_rows(ops, 0, 1, 1, workspace), x);
  }
  ops.add({tensor::DType::f32, {rows, width}, positions.data()}, x);
  pre_norm.run(ops, x, x);

  const int32_t whole[] = {0, static_cast<int32_t>(rows)};
  const ops::MutView segment = workspace.take(tensor::DType::i32, {2});
  ops.upload(whole, segment);

  // Hidden state s is what block s reads; the wanted ones lie side by side in `selected`.
  const int64_t skip = config.keep_class_token ? 0 : 1;
  for (int64_t state = 0; state <= config.blocks_needed(); ++state) {
    for (int64_t l = 0; l < layers; ++l) {
      if (config.feature_layers[static_cast<size_t>(l)] != state) continue;
      const tensor::ArenaScope index_scope(workspace);
      ops.set_rows(tensor::slice_rows(tensor::View(x), skip, rows),
                   spaced_rows(ops, l, layers, tokens, workspace), selected);
    }
    if (state < config.blocks_needed()) {
      blocks[static_cast<size_t>(state)].run(ops, nullptr, {}, segment, workspace, x);
    }
  }
  projector.run(ops, {selected.dtype, {tokens, layers * width}, selected.data}, workspace, result);
}

int64_t vision_workspace(const Config& config) {
  const VisionConfig& clip = config.vision;
  const int64_t rows = 1 + patches_of(clip);
  const int64_t tokens = config.image_tokens();
  const auto layers = static_cast<int64_t>(config.feature_layers.size());
  const int64_t index = Arena::footprint(rows * static_cast<int64_t>(sizeof(int32_t)));
  const int64_t embed =
      Arena::footprint(patches_of(clip) * 3 * clip.patch * clip.patch * kFloatBytes) +
      std::max(cut_patches_scratch(clip.image * clip.image), index);
  const int64_t block = nn::vision_scratch(rows, clip.heads, clip.head_dim, clip.ffn);
  const int64_t project = nn::Mlp::scratch(tokens, config.text.hidden);
  return Arena::footprint(rows * clip.hidden * kFloatBytes) +
         Arena::footprint(tokens * layers * clip.hidden * kFloatBytes) +
         std::max(embed, index + std::max({block, project, index}));
}

}  // namespace visavis::models::llava
