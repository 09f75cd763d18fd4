// Causal attention of prompt chunks over the paged f16 or int8 cache on the matrix units.
#pragma once

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// Queries as attention of prompts takes them.
struct CachedQueries {
  const void* q = nullptr;  // [tokens, heads, head_dim]
  int64_t stride = 0;       // values from token to token
  int64_t head_stride = 0;  // values from head to head
  bool f16 = false;         // already scaled by scale * log2(e) and rounded; else f32 as they are
};

bool flash_cached_supports(const CachedAttentionArgs& args, const Device& device);

void flash_cached(const CachedAttentionArgs& args, const CachedQueries& queries, Context& context);

/// The same with the queries of `args`.
void cached_attention_flash(const CachedAttentionArgs& args, Context& context);

}  // namespace visavis::ops::cuda
