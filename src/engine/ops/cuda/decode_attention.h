// Attention of one new row per sequence over the paged cache, with everything that comes before it:
// q and k norms, rotation, and writing the row's keys and values.
#pragma once

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

struct DecodeAttentionArgs {
  const float* q = nullptr;  // [sequences, heads, head_dim]
  const float* k = nullptr;  // [sequences, kv_heads, head_dim]
  const float* v = nullptr;
  float* y = nullptr;  // like q
  int64_t heads = 0;
  const float* q_norm = nullptr;  // [head_dim] or null
  const float* k_norm = nullptr;
  float q_eps = 0;
  float k_eps = 0;
  RopeFrequencies rope;
  BatchArgs batch;  // one row per sequence
  KvArgs kv;
  float scale = 1;
  /// How the pages of a sequence are dealt out; `splits` of so many hold at least longest_context.
  int splits = 1;
  int pages_per_split = 1;
  float* partial = nullptr;    // decode_attention_floats(...), aligned to 16
  int32_t* arrived = nullptr;  // [sequences, kv_heads], zero before and after
};

/// Floats of `partial`.
inline int64_t decode_attention_floats(int64_t sequences, int64_t heads, int64_t head_dim,
                                       int64_t splits) {
  return sequences * heads * splits * (head_dim + 4);
}

/// Chooses pages_per_split and splits.
void split_pages(DecodeAttentionArgs& args, const Device& device);

/// Whether there is a kernel for these heads and this cache, one row per sequence.
bool decode_attention_takes(const DecodeAttentionArgs& args);
/// Norms and rotates q and k, writes k and v to the cache, y = attention(q). With `overlap` (sm_90)
/// it starts while the kernel before it still runs.
void decode_attention(const DecodeAttentionArgs& args, bool overlap, cudaStream_t stream);

}  // namespace visavis::ops::cuda
