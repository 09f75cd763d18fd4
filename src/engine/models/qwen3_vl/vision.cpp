#include "engine/models/qwen3_vl/vision.h"

#include <algorithm>

#include "base/error.h"
#include "engine/models/patches.h"
#include "engine/models/picture_positions.h"
#include "engine/models/split_source.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen3_vl {
namespace {

using tensor::Arena;

constexpr auto kRole = load::Role::vision;
constexpr float kNormEps = 1e-6f;
constexpr int64_t kFloatBytes = sizeof(float);
constexpr int64_t kQkv = 3;

int64_t patch_values(const VisionConfig& config) { return 3 * config.patch * config.patch; }
int64_t joined_width(const VisionConfig& config) {
  return config.hidden * config.merge * config.merge;
}

Merger load_merger(load::WeightLoader& loader, const VisionConfig& config,
                   const std::string& prefix, bool norm_after_joining) {
  const int64_t joined = joined_width(config);
  Merger merger;
  merger.norm_after_joining = norm_after_joining;
  merger.norm = load_layer_norm(loader, prefix + "norm.",
                                norm_after_joining ? joined : config.hidden, kNormEps, kRole);
  merger.mlp.activation = ops::Activation::gelu_erf;
  merger.mlp.fc1 = load_linear(loader, prefix + "linear_fc1.", joined, joined, kRole, true);
  merger.mlp.fc2 =
      load_linear(loader, prefix + "linear_fc2.", config.out_hidden, joined, kRole, true);
  return merger;
}

nn::VisionBlock load_block(load::WeightLoader& loader, const VisionConfig& config,
                           const std::string& prefix) {
  nn::VisionBlock block;
  block.norm1 = load_layer_norm(loader, prefix + "norm1.", config.hidden, kNormEps, kRole);
  block.norm2 = load_layer_norm(loader, prefix + "norm2.", config.hidden, kNormEps, kRole);
  block.attention.heads = config.heads;
  block.attention.head_dim = config.head_dim;
  nn::Linear* parts[] = {&block.attention.q, &block.attention.k, &block.attention.v};
  for (int64_t i = 0; i < kQkv; ++i) {
    const std::string weight = SplitSource::part_name(prefix + "attn.qkv.weight", i);
    const std::string bias = SplitSource::part_name(prefix + "attn.qkv.bias", i);
    parts[i]->weight = loader.linear(weight, config.hidden, config.hidden, kRole);
    parts[i]->bias = loader.vector(bias, config.hidden, kRole);
  }
  block.attention.o =
      load_linear(loader, prefix + "attn.proj.", config.hidden, config.hidden, kRole, true);
  block.mlp.activation = config.activation;
  block.mlp.fc1 =
      load_linear(loader, prefix + "mlp.linear_fc1.", config.ffn, config.hidden, kRole, true);
  block.mlp.fc2 =
      load_linear(loader, prefix + "mlp.linear_fc2.", config.hidden, config.ffn, kRole, true);
  return block;
}

}  // namespace

Vision load_vision(load::WeightLoader& loader, const VisionConfig& config,
                   const std::string& prefix) {
  Vision vision;
  vision.config = config;
  vision.rope = nn::vision_rope(config.head_dim, config.rope_theta);
  const PatchEmbedding stored = {
      .width = config.hidden, .patch = config.patch, .times = config.temporal_patch, .bias = true};
  vision.patch_embed = load_patch_embed(loader, prefix + "patch_embed.proj.", stored);
  vision.frame_embeds = load_frame_embeds(loader, prefix + "patch_embed.proj.", stored);
  vision.position_table = loader.vector(prefix + "pos_embed.weight",
                                        config.grid_side * config.grid_side * config.hidden, kRole);
  for (int64_t i = 0; i < config.depth; ++i) {
    vision.blocks.push_back(
        load_block(loader, config, prefix + "blocks." + std::to_string(i) + "."));
  }
  vision.merger = load_merger(loader, config, prefix + "merger.", false);
  for (size_t i = 0; i < config.deepstack_taps.size(); ++i) {
    const std::string name = prefix + "deepstack_merger_list." + std::to_string(i) + ".";
    vision.deepstack.push_back(load_merger(loader, config, name, true));
  }
  return vision;
}

void Merger::run(ops::Ops& ops, ops::View x, tensor::Arena& arena, ops::MutView y) const {
  const tensor::ArenaScope scope(arena);
  const int64_t joined = mlp.fc1.cols();
  const int64_t rows = x.shape.elements() / joined;
  const ops::MutView normed = arena.take(tensor::DType::f32, x.shape);
  const ops::View joined_x{x.dtype, {rows, joined}, x.data};
  const ops::MutView joined_normed{normed.dtype, {rows, joined}, normed.data};
  if (norm_after_joining) {
    norm.run(ops, joined_x, joined_normed);
  } else {
    norm.run(ops, x, normed);
  }
  mlp.run(ops, joined_normed, arena, y);
}

void Vision::embed(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                   ops::MutView x) const {
  const tensor::ArenaScope scope(workspace);
  const ops::PatchLayout layout = {.grid_h = picture.grid_h,
                                   .grid_w = picture.grid_w,
                                   .patch_h = config.patch,
                                   .patch_w = config.patch,
                                   .merge = config.merge};
  const ops::MutView patches = workspace.take_f32({picture.rows, patch_values(config)});
  cut_patches(ops, picture, layout, workspace, patches);
  if (picture.later_frames.empty()) {
    patch_embed.run(ops, patches, x);
    return;
  }
  // A convolution over time: each frame's own half of the kernel, added up.
  require(picture.later_frames.size() + 1 == frame_embeds.size(), "a temporal patch has ",
          picture.later_frames.size() + 1, " frames, wanted ", frame_embeds.size());
  ops.linear(patches, frame_embeds[0].weight, {.bias = nn::vector_view(patch_embed.bias)}, x);
  for (size_t t = 1; t < frame_embeds.size(); ++t) {
    cut_patches(ops, picture.later_frames[t - 1], picture.levels, layout, workspace, patches);
    frame_embeds[t].run(ops, patches, x, ops::Activation::none, true);
  }
}

ImageFeatures Vision::encode(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                             tensor::Arena& features) const {
  const tensor::ArenaScope scope(workspace);
  const int64_t rows = picture.rows;
  const int64_t tokens = rows / (config.merge * config.merge);
  ImageFeatures result;
  result.rows = features.take_f32({tokens, config.out_hidden});
  for (size_t i = 0; i < deepstack.size(); ++i) {
    result.deepstack.push_back(features.take_f32({tokens, config.out_hidden}));
  }

  // hidden_states = patch_embed(pixel_values) + interpolated pos_embed
  const ops::MutView x = workspace.take_f32({rows, config.hidden});
  embed(ops, picture, workspace, x);
  const ops::View table{tensor::DType::f32,
                        {config.grid_side * config.grid_side, config.hidden},
                        position_table.data()};
  ops.add_position_grid(table, config.grid_side, picture.grid_h, picture.grid_w, config.merge, x);

  const PatchPlaces places = merge_order(picture.grid_h, picture.grid_w, config.merge);
  std::vector<int32_t> flat(static_cast<size_t>(rows), 0);  // time
  flat.insert(flat.end(), places.row.begin(), places.row.end());
  flat.insert(flat.end(), places.column.begin(), places.column.end());
  const ops::MutView positions = workspace.take(tensor::DType::i32, {3, rows});
  ops.upload(flat.data(), positions);
  const int32_t whole[] = {0, static_cast<int32_t>(rows)};
  const ops::MutView segment = workspace.take(tensor::DType::i32, {2});
  ops.upload(whole, segment);

  size_t tap = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].run(ops, &rope, positions, segment, workspace, x);
    if (tap < deepstack.size() && config.deepstack_taps[tap] == static_cast<int64_t>(i)) {
      deepstack[tap].run(ops, x, workspace, result.deepstack[tap]);
      ++tap;
    }
  }
  merger.run(ops, x, workspace, result.rows);
  return result;
}

int64_t vision_workspace(const VisionConfig& config, int64_t patches) {
  const int64_t hidden = Arena::footprint(patches * config.hidden * kFloatBytes);
  const int64_t tokens = patches / (config.merge * config.merge);
  const int64_t embed = Arena::footprint(patches * patch_values(config) * kFloatBytes) +
                        cut_patches_scratch(patches * config.patch * config.patch);
  const int64_t block = nn::vision_scratch(patches, config.heads, config.head_dim, config.ffn);
  const int64_t merge = hidden + nn::Mlp::scratch(tokens, joined_width(config));
  const int64_t index = Arena::footprint(3 * patches * static_cast<int64_t>(sizeof(int32_t))) +
                        Arena::footprint(2 * static_cast<int64_t>(sizeof(int32_t)));
  return hidden + std::max(embed, index + std::max(block, merge));
}

int64_t feature_bytes(const VisionConfig& config, int64_t tokens) {
  const auto levels = 1 + static_cast<int64_t>(config.deepstack_taps.size());
  return levels * tokens * Arena::footprint(config.out_hidden * kFloatBytes);
}

}  // namespace visavis::models::qwen3_vl
