// Whole blocks out of the smaller pieces: a decoder layer and two pre-norm vision blocks. All add
// their result to the hidden state that they read.
#pragma once

#include "engine/nn/attention.h"
#include "engine/nn/mlp.h"

namespace visavis::nn {

struct DecoderLayer {
  RmsNorm input_norm;
  CachedAttention attention;
  RmsNorm post_norm;
  GatedMlp mlp;

  int64_t bytes() const;
  /// x += attention(norm x); x += mlp(norm x). x [tokens, width].
  void run(ops::Ops& ops, const ops::StepBatch& batch, const ops::RopeTable& rope,
           const ops::KvView& kv, tensor::Arena& arena, ops::MutView x) const;
};

/// Bytes that DecoderLayer::run takes from the arena.
int64_t decoder_scratch(int64_t tokens, int64_t width, int64_t heads, int64_t kv_heads,
                        int64_t head_dim, int64_t ffn);

struct VisionBlock {
  LayerNorm norm1;
  PictureAttention attention;
  LayerNorm norm2;
  Mlp mlp;

  int64_t bytes() const;
  /// x += attention(norm1 x); x += mlp(norm2 x). x [rows, width]; the rest as PictureAttention.
  void run(ops::Ops& ops, const ops::RopeTable* rope, ops::View positions, ops::View segment_start,
           tensor::Arena& arena, ops::MutView x) const;
};

/// Bytes that VisionBlock::run takes from the arena.
int64_t vision_scratch(int64_t rows, int64_t heads, int64_t head_dim, int64_t ffn);

/// A vision block out of a decoder layer's pieces: RMS norms, gated MLP, attention inside segments.
struct GatedVisionBlock {
  RmsNorm norm1;
  PictureAttention attention;
  RmsNorm norm2;
  GatedMlp mlp;

  int64_t bytes() const;
  /// x += attention(norm1 x); x += mlp(norm2 x). x [rows, width]; the rest as PictureAttention.
  void run(ops::Ops& ops, const ops::RopeTable* rope, ops::View positions, const Segments& segments,
           tensor::Arena& arena, ops::MutView x) const;
};

/// Bytes that GatedVisionBlock::run takes from the arena.
int64_t gated_vision_scratch(int64_t rows, int64_t heads, int64_t head_dim, int64_t ffn);

}  // namespace visavis::nn
