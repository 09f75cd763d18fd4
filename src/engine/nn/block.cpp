#include "engine/nn/block.h"

#include <algorithm>

namespace visavis::nn {
namespace {

// Keeps the middle of a big picture's gated MLP below 30 MB.
constexpr int64_t kGatedRowsAtOnce = 1024;
constexpr int64_t kFloatBytes = sizeof(float);

}  // namespace

int64_t DecoderLayer::bytes() const {
  return input_norm.bytes() + attention.bytes() + post_norm.bytes() + mlp.bytes();
}

void DecoderLayer::run(ops::Ops& ops, const ops::StepBatch& batch, const ops::RopeTable& rope,
                       const ops::KvView& kv, tensor::Arena& arena, ops::MutView x) const {
  attention.add_to(ops, input_norm, batch, rope, kv, arena, x);
  mlp.add_to(ops, post_norm, arena, x);
}

int64_t decoder_scratch(int64_t tokens, int64_t width, int64_t heads, int64_t kv_heads,
                        int64_t head_dim, int64_t ffn) {
  return std::max(CachedAttention::scratch(tokens, width, heads, kv_heads, head_dim),
                  GatedMlp::scratch(tokens, width, ffn));
}

int64_t VisionBlock::bytes() const {
  return norm1.bytes() + attention.bytes() + norm2.bytes() + mlp.bytes();
}

void VisionBlock::run(ops::Ops& ops, const ops::RopeTable* rope, ops::View positions,
                      ops::View segment_start, tensor::Arena& arena, ops::MutView x) const {
  attention.add_to(ops, norm1, rope, positions, segment_start, arena, x);
  mlp.add_to(ops, norm2, arena, x);
}

int64_t vision_scratch(int64_t rows, int64_t heads, int64_t head_dim, int64_t ffn) {
  const int64_t width = heads * head_dim;
  return std::max(PictureAttention::scratch(rows, width, heads, head_dim),
                  Mlp::add_scratch(rows, width, ffn));
}

int64_t GatedVisionBlock::bytes() const {
  return norm1.bytes() + attention.bytes() + norm2.bytes() + mlp.bytes();
}

void GatedVisionBlock::run(ops::Ops& ops, const ops::RopeTable* rope, ops::View positions,
                           const Segments& segments, tensor::Arena& arena, ops::MutView x) const {
  {
    const tensor::ArenaScope scope(arena);
    const ops::MutView normed = arena.take(tensor::DType::f32, x.shape);
    norm1.run(ops, x, normed);
    attention.add_normed_to(ops, normed, rope, positions, segments, arena, x);
  }
  for (int64_t begin = 0; begin < x.rows(); begin += kGatedRowsAtOnce) {
    const int64_t end = std::min(x.rows(), begin + kGatedRowsAtOnce);
    mlp.add_to(ops, norm2, arena, tensor::slice_rows(x, begin, end));
  }
}

int64_t gated_vision_scratch(int64_t rows, int64_t heads, int64_t head_dim, int64_t ffn) {
  const int64_t width = heads * head_dim;
  return std::max(tensor::Arena::footprint(rows * width * kFloatBytes) +
                      PictureAttention::scratch(rows, width, heads, head_dim),
                  GatedMlp::scratch(std::min(rows, kGatedRowsAtOnce), width, ffn));
}

}  // namespace visavis::nn
