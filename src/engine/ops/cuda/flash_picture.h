// Attention inside pictures on the matrix units.
#pragma once

#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

/// 16-bit q, k and v. Keys and values of 72 per head are read faster if each head's lie one token
/// after the other (kv_stride 72).
struct PictureAttentionCall {
  bool bf16 = true;  // else f16
  const void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  int64_t stride = 0;          // of q, in values from token to token; heads lie side by side
  int64_t kv_stride = 0;       // of k and v, in values from token to token
  int64_t kv_head_stride = 0;  // and from head to head
  int64_t heads = 0;
  int64_t head_dim = 0;                    // 64, 72, 80 or 128
  const int32_t* segment_start = nullptr;  // [segments + 1] on the device
  int64_t segments = 0;
  int64_t longest_segment = 0;
  float scale = 1;
  void* y = nullptr;  // [tokens, heads, head_dim]
  bool y_f32 = true;  // else as q
};

bool flash_picture_supports(int64_t head_dim, const Device& device);

void flash_picture(const PictureAttentionCall& call, Context& context);

}  // namespace visavis::ops::cuda
