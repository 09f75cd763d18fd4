#include "engine/models/qwen_vl_chat/vision.h"

#include <algorithm>
#include <cmath>

#include "engine/models/patches.h"
#include "engine/models/qwen_vl_chat/parts.h"
#include "engine/models/split_source.h"
#include "engine/models/weights.h"

namespace visavis::models::qwen_vl_chat {
namespace {

using tensor::Arena;
using tensor::DType;

constexpr auto kRole = load::Role::vision;
constexpr float kNormEps = 1e-6f;
constexpr int64_t kFloatBytes = sizeof(float);
constexpr int64_t kResamplerHead = 128;
constexpr int64_t kQkv = 3;

// Attention wants as many queries as keys: so many copies of the keys hold all queries.
int64_t segments_of(const VisionConfig& config) {
  return (config.queries + config.patches() - 1) / config.patches();
}

void load_qkv(load::WeightLoader& loader, const std::string& weight, const std::string& bias,
              int64_t width, nn::PictureAttention& attention) {
  nn::Linear* parts[] = {&attention.q, &attention.k, &attention.v};
  for (int64_t i = 0; i < kQkv; ++i) {
    parts[i]->weight = loader.linear(SplitSource::part_name(weight, i), width, width, kRole);
    parts[i]->bias = loader.vector(SplitSource::part_name(bias, i), width, kRole);
  }
}

nn::VisionBlock load_block(load::WeightLoader& loader, const VisionConfig& config,
                           const std::string& prefix) {
  const int64_t width = config.width;
  nn::VisionBlock block;
  block.norm1 = load_layer_norm(loader, prefix + "ln_1.", width, kNormEps, kRole);
  block.norm2 = load_layer_norm(loader, prefix + "ln_2.", width, kNormEps, kRole);
  block.attention.heads = config.heads;
  block.attention.head_dim = config.head_dim();
  load_qkv(loader, prefix + "attn.in_proj.weight", prefix + "attn.in_proj.bias", width,
           block.attention);
  block.attention.o = load_linear(loader, prefix + "attn.out_proj.", width, width, kRole, true);
  block.mlp.activation = ops::Activation::gelu_erf;
  block.mlp.fc1 = load_linear(loader, prefix + "mlp.c_fc.", config.ffn, width, kRole, true);
  block.mlp.fc2 = load_linear(loader, prefix + "mlp.c_proj.", width, config.ffn, kRole, true);
  return block;
}

Resampler load_resampler(load::WeightLoader& loader, const VisionConfig& config,
                         const std::string& prefix) {
  const int64_t width = config.output;
  Resampler resampler;
  resampler.queries = loader.vector(prefix + "query", config.queries * width, kRole);
  resampler.query_positions = loader.vector(prefix + "pos_embed", config.queries * width, kRole);
  resampler.patch_positions =
      loader.vector(prefix + "pos_embed:grid", config.patches() * width, kRole);
  resampler.kv_proj = load_linear(loader, prefix + "kv_proj.", width, config.width, kRole, false);
  resampler.q_norm = load_layer_norm(loader, prefix + "ln_q.", width, kNormEps, kRole);
  resampler.kv_norm = load_layer_norm(loader, prefix + "ln_kv.", width, kNormEps, kRole);
  resampler.attention.heads = width / kResamplerHead;
  resampler.attention.head_dim = kResamplerHead;
  load_qkv(loader, prefix + "attn.in_proj_weight", prefix + "attn.in_proj_bias", width,
           resampler.attention);
  resampler.attention.o = load_linear(loader, prefix + "attn.out_proj.", width, width, kRole, true);
  return resampler;
}

ops::MutView indices(ops::Ops& ops, const std::vector<int32_t>& values, Arena& arena) {
  const ops::MutView index = arena.take(DType::i32, {static_cast<int64_t>(values.size())});
  ops.upload(values.data(), index);
  return index;
}

ops::MutView reshaped(const ops::MutView& view, const tensor::Shape& shape) {
  return {view.dtype, shape, view.data};
}

// Row i of the result is row from(i) of x.
template <class From>
ops::MutView gathered(ops::Ops& ops, const ops::View& x, int64_t rows, const From& from,
                      Arena& arena) {
  std::vector<int32_t> index;
  for (int64_t i = 0; i < rows; ++i) index.push_back(static_cast<int32_t>(from(i)));
  const ops::MutView result = arena.take_f32({rows, x.cols()});
  ops.gather_rows(x, indices(ops, index, arena), result);
  return result;
}

// The resampled features [queries, output] of x [patches, width], before the last norm.
ops::MutView resample(ops::Ops& ops, const Resampler& resampler, const VisionConfig& config,
                      const ops::View& x, Arena& arena) {
  const int64_t width = config.output;
  const int64_t patches = config.patches();
  const int64_t segments = segments_of(config);
  const int64_t rows = segments * patches;
  const nn::PictureAttention& attention = resampler.attention;
  const auto table = [&](const tensor::Buffer& buffer, int64_t count) {
    return ops::View{DType::f32, {count, width}, buffer.data()};
  };
  // x = ln_kv(kv_proj(x)); key = x + pos_embed, resampled to the patches
  const ops::MutView values_in = arena.take_f32({patches, width});
  const ops::MutView keys_in = arena.take_f32({patches, width});
  const ops::MutView k = arena.take_f32({patches, width});
  const ops::MutView v = arena.take_f32({patches, width});
  resampler.kv_proj.run(ops, x, values_in);
  resampler.kv_norm.run(ops, values_in, keys_in);
  resampler.kv_norm.run(ops, values_in, values_in);
  ops.add(table(resampler.patch_positions, patches), keys_in);
  attention.k.run(ops, keys_in, k);
  attention.v.run(ops, values_in, v);
  // query = ln_q(query) + pos_embed
  const ops::MutView queries = arena.take_f32({config.queries, width});
  const ops::MutView q = arena.take_f32({config.queries, width});
  resampler.q_norm.run(ops, table(resampler.queries, config.queries), queries);
  ops.add(table(resampler.query_positions, config.queries), queries);
  attention.q.run(ops, queries, q);
  // out = attn(query, key, x)
  const auto wrapped = [&](const ops::MutView& each) {
    return segments == 1 ? each
                         : gathered(
                               ops, each, rows, [=](int64_t i) { return i % patches; }, arena);
  };
  const tensor::Shape heads = {rows, attention.heads, attention.head_dim};
  const int64_t last = config.queries - 1;
  const ops::MutView all_q = gathered(
      ops, q, rows, [=](int64_t i) { return std::min(i, last); }, arena);
  const ops::MutView all_k = wrapped(k);
  const ops::MutView all_v = wrapped(v);
  const ops::MutView mixed = arena.take_f32({rows, width});
  std::vector<int32_t> starts;
  for (int64_t i = 0; i <= segments; ++i) starts.push_back(static_cast<int32_t>(i * patches));
  ops.segment_attention(reshaped(all_q, heads), reshaped(all_k, heads), reshaped(all_v, heads),
                        width, indices(ops, starts, arena), patches,
                        1.0f / std::sqrt(static_cast<float>(attention.head_dim)),
                        attention.q.weight.rounds_input(), reshaped(mixed, heads));
  attention.o.run(ops, tensor::slice_rows(tensor::View(mixed), 0, config.queries), queries);
  return queries;
}

}  // namespace

Vision load_vision(load::WeightLoader& loader, const VisionConfig& config) {
  const std::string prefix = kVisual;
  Vision vision;
  vision.config = config;
  vision.patch_embed = load_linear(loader, prefix + "conv1.", config.width,
                                   3 * config.patch * config.patch, kRole, false);
  vision.positions =
      loader.vector(prefix + "positional_embedding:grid", config.patches() * config.width, kRole);
  vision.pre_norm = load_layer_norm(loader, prefix + "ln_pre.", config.width, kNormEps, kRole);
  for (int64_t i = 0; i < config.layers; ++i)
    vision.blocks.push_back(
        load_block(loader, config, prefix + "transformer.resblocks." + std::to_string(i) + "."));
  vision.resampler = load_resampler(loader, config, prefix + "attn_pool.");
  vision.post_norm = load_layer_norm(loader, prefix + "ln_post.", config.output, kNormEps, kRole);
  vision.projection.weight =
      loader.linear(prefix + "proj:turned", config.output, config.output, kRole);
  return vision;
}

ImageFeatures Vision::encode(ops::Ops& ops, const PatchGrid& picture, Arena& workspace,
                             Arena& features) const {
  const tensor::ArenaScope scope(workspace);
  const int64_t patches = config.patches();
  const ops::MutView x = workspace.take_f32({patches, config.width});
  // x = ln_pre(conv1(picture) + positional_embedding)
  {
    const tensor::ArenaScope patch_scope(workspace);
    const ops::MutView values = workspace.take_f32({patches, 3 * config.patch * config.patch});
    cut_patches(ops, picture,
                {.grid_h = config.grid(),
                 .grid_w = config.grid(),
                 .patch_h = config.patch,
                 .patch_w = config.patch},
                workspace, values);
    patch_embed.run(ops, values, x);
  }
  ops.add({DType::f32, {patches, config.width}, positions.data()}, x);
  pre_norm.run(ops, x, x);
  {
    const tensor::ArenaScope block_scope(workspace);
    const ops::MutView whole = indices(ops, {0, static_cast<int32_t>(patches)}, workspace);
    for (const nn::VisionBlock& block : blocks) block.run(ops, nullptr, {}, whole, workspace, x);
  }
  // features = ln_post(attn_pool(x)) @ proj
  const ops::MutView pooled = resample(ops, resampler, config, x, workspace);
  post_norm.run(ops, pooled, pooled);
  ImageFeatures result;
  result.rows = features.take_f32({config.queries, config.output});
  projection.run(ops, pooled, result.rows);
  return result;
}

int64_t vision_workspace(const VisionConfig& config) {
  const auto floats = [](int64_t rows, int64_t cols) {
    return Arena::footprint(rows * cols * kFloatBytes);
  };
  const auto ints = [](int64_t count) {
    return Arena::footprint(count * static_cast<int64_t>(sizeof(int32_t)));
  };
  const int64_t patches = config.patches();
  const int64_t segments = segments_of(config);
  const int64_t rows = segments * patches;
  const int64_t embed = floats(patches, 3 * config.patch * config.patch) +
                        cut_patches_scratch(config.image * config.image);
  const int64_t block =
      ints(2) + nn::vision_scratch(patches, config.heads, config.head_dim(), config.ffn);
  const int64_t gathers = segments == 1 ? 1 : kQkv;
  const int64_t resample = 4 * floats(patches, config.output) +
                           2 * floats(config.queries, config.output) +
                           gathers * (floats(rows, config.output) + ints(rows)) +
                           floats(rows, config.output) + ints(segments + 1);
  return floats(patches, config.width) + std::max({embed, block, resample});
}

}  // namespace visavis::models::qwen_vl_chat
