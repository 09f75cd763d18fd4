#include "engine/models/qwen2_5_vl/vision.h"

#include <algorithm>

#include "engine/models/patches.h"
#include "engine/models/picture_positions.h"
#include "engine/models/qwen2_5_vl/windows.h"
#include "engine/models/split_source.h"
#include "engine/models/weights.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen2_5_vl {
namespace {

using tensor::Arena;

constexpr auto kRole = load::Role::vision;
constexpr float kNormEps = 1e-6f;
constexpr double kRopeTheta = 10000;
constexpr int64_t kFloatBytes = sizeof(float);
constexpr int64_t kIndexBytes = sizeof(int32_t);

int64_t token_patches(const VisionConfig& config) { return config.merge * config.merge; }
int64_t patch_values(const VisionConfig& config) { return 3 * config.patch * config.patch; }
int64_t joined_width(const VisionConfig& config) { return config.hidden * token_patches(config); }

nn::GatedVisionBlock load_block(load::WeightLoader& loader, const VisionConfig& config,
                                const std::string& prefix) {
  const int64_t width = config.hidden;
  nn::GatedVisionBlock block;
  block.norm1 = load_rms_norm(loader, prefix + "norm1.weight", width, kNormEps, kRole);
  block.norm2 = load_rms_norm(loader, prefix + "norm2.weight", width, kNormEps, kRole);
  block.attention.heads = config.heads;
  block.attention.head_dim = config.head_dim;
  nn::Linear* parts[] = {&block.attention.q, &block.attention.k, &block.attention.v};
  for (int64_t i = 0; i < 3; ++i) {
    const std::string weight = SplitSource::part_name(prefix + "attn.qkv.weight", i);
    const std::string bias = SplitSource::part_name(prefix + "attn.qkv.bias", i);
    parts[i]->weight = loader.linear(weight, width, width, kRole);
    parts[i]->bias = loader.vector(bias, width, kRole);
  }
  block.attention.o = load_linear(loader, prefix + "attn.proj.", width, width, kRole, true);
  const std::string mlp = prefix + "mlp.";
  block.mlp.gate = load_linear(loader, mlp + "gate_proj.", config.ffn, width, kRole, true);
  block.mlp.up = load_linear(loader, mlp + "up_proj.", config.ffn, width, kRole, true);
  block.mlp.down = load_linear(loader, mlp + "down_proj.", width, config.ffn, kRole, true);
  return block;
}

// Numbers as an index that device operations read.
ops::MutView index_of(ops::Ops& ops, const std::vector<int32_t>& values, Arena& arena) {
  const ops::MutView index = arena.take(tensor::DType::i32, {static_cast<int64_t>(values.size())});
  ops.upload(values.data(), index);
  return index;
}

}  // namespace

Vision load_vision(load::WeightLoader& loader, const VisionConfig& config,
                   const std::string& prefix) {
  Vision vision;
  vision.config = config;
  vision.rope = nn::vision_rope(config.head_dim, kRopeTheta);
  vision.patch_embed = load_patch_embed(
      loader, prefix + "patch_embed.proj.",
      {.width = config.hidden, .patch = config.patch, .times = config.temporal_patch});
  for (int64_t i = 0; i < config.depth; ++i) {
    vision.blocks.push_back(
        load_block(loader, config, prefix + "blocks." + std::to_string(i) + "."));
    const auto& full = config.full_blocks;
    vision.sees_all.push_back(std::find(full.begin(), full.end(), i) != full.end());
  }
  const std::string merger = prefix + "merger.";
  const int64_t joined = joined_width(config);
  vision.merger_norm =
      load_rms_norm(loader, merger + "ln_q.weight", config.hidden, kNormEps, kRole);
  vision.merger.activation = ops::Activation::gelu_erf;
  vision.merger.fc1 = load_linear(loader, merger + "mlp.0.", joined, joined, kRole, true);
  vision.merger.fc2 =
      load_linear(loader, merger + "mlp.2.", config.out_hidden, joined, kRole, true);
  return vision;
}

ImageFeatures Vision::encode(ops::Ops& ops, const PatchGrid& picture, Arena& workspace,
                             Arena& features) const {
  const tensor::ArenaScope scope(workspace);
  const int64_t rows = picture.rows;
  const int64_t joined = token_patches(config);
  const int64_t tokens = rows / joined;
  ImageFeatures result;
  result.rows = features.take_f32({tokens, config.out_hidden});

  const WindowOrder order = window_order(picture.grid_h / config.merge,
                                         picture.grid_w / config.merge, config.window_tokens());
  // Token t is the patches [t * joined, (t + 1) * joined) of the merge order.
  const PatchPlaces places = merge_order(picture.grid_h, picture.grid_w, config.merge);
  std::vector<int32_t> patches;
  std::vector<int32_t> flat(static_cast<size_t>(rows), 0);  // time, then row, then column
  for (const int32_t token : order.tokens) {
    for (int64_t k = 0; k < joined; ++k)
      patches.push_back(static_cast<int32_t>(token * joined + k));
  }
  for (const auto* axis : {&places.row, &places.column}) {
    for (const int32_t patch : patches) flat.push_back((*axis)[static_cast<size_t>(patch)]);
  }

  // hidden_states = patch_embed(pixel_values)[window_index]
  const ops::MutView x = workspace.take_f32({rows, config.hidden});
  {
    const tensor::ArenaScope patch_scope(workspace);
    const ops::MutView embedded = workspace.take_f32({rows, config.hidden});
    {
      const tensor::ArenaScope values_scope(workspace);
      const ops::MutView values = workspace.take_f32({rows, patch_values(config)});
      cut_patches(ops, picture,
                  {.grid_h = picture.grid_h,
                   .grid_w = picture.grid_w,
                   .patch_h = config.patch,
                   .patch_w = config.patch,
                   .merge = config.merge},
                  workspace, values);
      patch_embed.run(ops, values, embedded);
    }
    ops.gather_rows(embedded, index_of(ops, patches, workspace), x);
  }

  const ops::MutView positions = workspace.take(tensor::DType::i32, {3, rows});
  ops.upload(flat.data(), positions);
  std::vector<int32_t> starts = order.starts;
  for (int32_t& start : starts) start *= static_cast<int32_t>(joined);
  const nn::Segments windows = {.start = index_of(ops, starts, workspace),
                                .longest = order.longest * joined};
  const nn::Segments whole = {.start = index_of(ops, {0, static_cast<int32_t>(rows)}, workspace),
                              .longest = rows};
  for (size_t i = 0; i < blocks.size(); ++i)
    blocks[i].run(ops, &rope, positions, sees_all[i] ? whole : windows, workspace, x);

  // merger, then tokens back in the order of the picture
  merger_norm.run(ops, x, x);
  const ops::MutView merged = workspace.take_f32({tokens, config.out_hidden});
  merger.run(ops, {x.dtype, {tokens, joined_width(config)}, x.data}, workspace, merged);
  ops.set_rows(merged, index_of(ops, order.tokens, workspace), result.rows);
  return result;
}

int64_t vision_workspace(const VisionConfig& config, int64_t patches) {
  const int64_t tokens = patches / token_patches(config);
  const int64_t hidden = Arena::footprint(patches * config.hidden * kFloatBytes);
  const int64_t embed =
      hidden + std::max(Arena::footprint(patches * patch_values(config) * kFloatBytes) +
                            cut_patches_scratch(patches * config.patch * config.patch),
                        Arena::footprint(patches * kIndexBytes));
  const int64_t index = Arena::footprint(3 * patches * kIndexBytes) +
                        Arena::footprint((tokens + 1) * kIndexBytes) +  // a window a token at most
                        Arena::footprint(2 * kIndexBytes);
  const int64_t block =
      nn::gated_vision_scratch(patches, config.heads, config.head_dim, config.ffn);
  const int64_t merge = Arena::footprint(tokens * config.out_hidden * kFloatBytes) +
                        std::max(nn::Mlp::scratch(tokens, joined_width(config)),
                                 Arena::footprint(tokens * kIndexBytes));
  return hidden + std::max(embed, index + std::max(block, merge));
}

int64_t feature_bytes(const VisionConfig& config, int64_t tokens) {
  return tokens * Arena::footprint(config.out_hidden * kFloatBytes);
}

}  // namespace visavis::models::qwen2_5_vl
