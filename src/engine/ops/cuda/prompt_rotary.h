// Rotations of many rows, fused with what lies around them.
#pragma once

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// Rotates 16-bit q [tokens, heads, 2 * pairs] in place, and k like it into packed_k
/// [heads, tokens, 2 * pairs], where v goes as it is; pairs is a multiple of 4.
struct PictureRopeArgs {
  RopeFrequencies table;
  const int32_t* positions = nullptr;  // [3, tokens]
  int64_t tokens = 0;
  int64_t heads = 0;
  bool bf16 = true;
  void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  void* packed_k = nullptr;
  void* packed_v = nullptr;
};
void picture_rope(const PictureRopeArgs& args, Context& context);

/// What attention over an f16 or int8 cache does to a prompt's rows first.
struct PromptRotaryArgs {
  const float* q = nullptr;  // [tokens, heads, head_dim]
  const float* k = nullptr;  // [tokens, kv_heads, head_dim]
  const float* v = nullptr;
  const float* q_norm = nullptr;  // f32 [head_dim] or null
  const float* k_norm = nullptr;
  float q_eps = 0;
  float k_eps = 0;
  RopeFrequencies table;
  int64_t heads = 0;
  float scale = 1;  // of the scores, log2(e) included
  BatchArgs batch;
  KvArgs kv;
  void* rotated_q = nullptr;  // f16, head h of token t at (t * heads + h) * 2 * head_dim
};
bool prompt_rotary_supports(const PromptRotaryArgs& args);
/// Writes k and v to the cache and rotated_q = scale * rotate(norm(q)).
void prompt_rotary(const PromptRotaryArgs& args, Context& context);

}  // namespace visavis::ops::cuda
