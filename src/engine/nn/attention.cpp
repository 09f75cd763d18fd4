#include "engine/nn/attention.h"

#include <array>
#include <cmath>

namespace visavis::nn {
namespace {

// The same floats seen as another shape.
ops::MutView reshaped(ops::MutView view, const tensor::Shape& shape) {
  return {view.dtype, shape, view.data};
}

float scale_of(int64_t head_dim) { return 1.0f / std::sqrt(static_cast<float>(head_dim)); }

}  // namespace

int64_t CachedAttention::bytes() const {
  return q.bytes() + k.bytes() + v.bytes() + o.bytes() + q_norm.bytes() + k_norm.bytes();
}

void CachedAttention::add_to(ops::Ops& ops, const RmsNorm& norm, const ops::StepBatch& batch,
                             const ops::RopeTable& rope, const ops::KvView& kv,
                             tensor::Arena& arena, ops::MutView x) const {
  const tensor::ArenaScope scope(arena);
  const int64_t tokens = x.rows();
  const ops::MutView queries = arena.take_f32({tokens, heads, head_dim});
  const ops::MutView keys = arena.take_f32({tokens, kv_heads, head_dim});
  const ops::MutView values = arena.take_f32({tokens, kv_heads, head_dim});
  const ops::MutView mixed = arena.take_f32({tokens, heads, head_dim});
  ops.project(x, norm.before(),
              std::array{q.into(reshaped(queries, {tokens, heads * head_dim})),
                         k.into(reshaped(keys, {tokens, kv_heads * head_dim})),
                         v.into(reshaped(values, {tokens, kv_heads * head_dim}))},
              arena);
  // A rotation and a factor may change places.
  if (trained_length > 0) ops.scale_beyond(trained_length, batch.positions, queries);
  ops.rotary_attention(queries, keys, values,
                       {.q_norm = q_norm.before(), .k_norm = k_norm.before(), .rope = &rope}, batch,
                       kv, scale_of(head_dim), mixed);
  o.run(ops, reshaped(mixed, {tokens, heads * head_dim}), x, ops::Activation::none, true);
}

int64_t CachedAttention::scratch(int64_t tokens, int64_t width, int64_t heads, int64_t kv_heads,
                                 int64_t head_dim) {
  const int64_t float_bytes = sizeof(float);
  return tensor::Arena::footprint(tokens * width * float_bytes) +
         2 * tensor::Arena::footprint(tokens * heads * head_dim * float_bytes) +
         2 * tensor::Arena::footprint(tokens * kv_heads * head_dim * float_bytes);
}

ops::PictureLayer PictureAttention::layer(const ops::LayerNormBefore& norm,
                                          const ops::RopeTable* rope, ops::View positions,
                                          const Segments& segments) const {
  return {.norm = norm,
          .q = q.parts(),
          .k = k.parts(),
          .v = v.parts(),
          .o = o.parts(),
          .heads = heads,
          .head_dim = head_dim,
          .rope = rope,
          .positions = positions,
          .segment_start = segments.start,
          .longest_segment = segments.longest};
}

void PictureAttention::add_to(ops::Ops& ops, const LayerNorm& norm, const ops::RopeTable* rope,
                              ops::View positions, ops::View segment_start, tensor::Arena& arena,
                              ops::MutView x) const {
  ops.picture_attention(x, layer(norm.before(), rope, positions, {segment_start, x.rows()}), arena,
                        x);
}

void PictureAttention::add_normed_to(ops::Ops& ops, ops::View normed, const ops::RopeTable* rope,
                                     ops::View positions, const Segments& segments,
                                     tensor::Arena& arena, ops::MutView x) const {
  ops.picture_attention(normed, layer({}, rope, positions, segments), arena, x);
}

int64_t PictureAttention::scratch(int64_t rows, int64_t width, int64_t heads, int64_t head_dim) {
  return ops::picture_attention_scratch(rows, width, heads, head_dim);
}

}  // namespace visavis::nn
