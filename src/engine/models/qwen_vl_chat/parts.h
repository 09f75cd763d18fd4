// The tensors of Qwen-VL as the engine's layers want them, made of the stored ones.
#pragma once

#include <memory>
#include <string>

#include "engine/checkpoint/tensor_source.h"
#include "engine/models/qwen_vl_chat/config.h"

namespace visavis::models::qwen_vl_chat {

inline constexpr const char* kText = "transformer.";
inline constexpr const char* kVisual = "transformer.visual.";

/// Beside what is stored: thirds ":0", ":1" and ":2" (q, k, v) of the fused c_attn, of the
/// resampler's in_proj and of the tower's in_proj, whose rows go head by head; proj ":turned" as a
/// linear layer's weight; positional_embedding ":grid" and attn_pool.pos_embed ":grid" at the
/// tower's number of patches. Throws Error for shapes of which these cannot be made.
std::unique_ptr<checkpoint::TensorSource> with_parts(
    std::unique_ptr<checkpoint::TensorSource> stored, const Config& config);

}  // namespace visavis::models::qwen_vl_chat
