#include "engine/nn/block.h"

#include <algorithm>

namespace visavis::nn {

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

}  // namespace visavis::nn
