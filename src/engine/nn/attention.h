// The two attention layers: causal over the paged cache (text) and bidirectional inside a picture
// (vision towers). Projections are kept apart, so that each row of q, k and v is contiguous.
#pragma once

#include "engine/nn/linear.h"
#include "engine/nn/norm.h"
#include "engine/ops/step_batch.h"

namespace visavis::nn {

/// Grouped-query attention of a decoder layer.
struct CachedAttention {
  Linear q;        // [heads * head_dim, width]
  Linear k;        // [kv_heads * head_dim, width]
  Linear v;        // like k
  Linear o;        // [width, heads * head_dim]
  RmsNorm q_norm;  // over head_dim, before the rotation; empty if the family has none
  RmsNorm k_norm;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t trained_length = 0;  // beyond it queries are scaled (Ops::scale_beyond); 0: never

  int64_t bytes() const;
  /// x += o(attention(q n, cache and k n, v n)) where n = norm(x); writes this step's k and v to
  /// the cache. x [tokens, width].
  void add_to(ops::Ops& ops, const RmsNorm& norm, const ops::StepBatch& batch,
              const ops::RopeTable& rope, const ops::KvView& kv, tensor::Arena& arena,
              ops::MutView x) const;
  /// Bytes that add_to takes from the arena.
  static int64_t scratch(int64_t tokens, int64_t width, int64_t heads, int64_t kv_heads,
                         int64_t head_dim);
};

/// Runs of a picture's rows that attend to each other alone.
struct Segments {
  ops::View start;      // i32 [segments + 1] on the device, from 0 to all rows
  int64_t longest = 0;  // rows of the longest
};

/// Full attention of a vision block.
struct PictureAttention {
  Linear q;  // [heads * head_dim, width]
  Linear k;
  Linear v;
  Linear o;
  int64_t heads = 0;
  int64_t head_dim = 0;

  int64_t bytes() const { return q.bytes() + k.bytes() + v.bytes() + o.bytes(); }
  /// x += o(attention(norm(x))) inside one picture; x [rows, width]. `rope` with positions i32
  /// [3, rows], or null. segment_start i32 [2] = {0, rows} on the device.
  void add_to(ops::Ops& ops, const LayerNorm& norm, const ops::RopeTable* rope, ops::View positions,
              ops::View segment_start, tensor::Arena& arena, ops::MutView x) const;
  /// x += o(attention(normed)) inside each segment; normed [rows, width] lies apart from x.
  void add_normed_to(ops::Ops& ops, ops::View normed, const ops::RopeTable* rope,
                     ops::View positions, const Segments& segments, tensor::Arena& arena,
                     ops::MutView x) const;
  /// Bytes that add_to and add_normed_to take from the arena.
  static int64_t scratch(int64_t rows, int64_t width, int64_t heads, int64_t head_dim);

 private:
  ops::PictureLayer layer(const ops::LayerNormBefore& norm, const ops::RopeTable* rope,
                          ops::View positions, const Segments& segments) const;
};

}  // namespace visavis::nn
