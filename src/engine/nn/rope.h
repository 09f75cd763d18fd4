// The rotary tables of the families: which axis of the position turns which frequency. The rotation
// itself is Ops::rope.
#pragma once

#include <array>
#include <cstdint>

#include "engine/ops/ops.h"

namespace visavis::nn {

/// Ordinary 1-D positions: head_dim / 2 frequencies theta^(-2j / head_dim), all on the time axis.
ops::RopeTable text_rope(int64_t head_dim, double theta);

/// text_rope in `sets` sets, for prompts of up to `length` tokens, twice, four times, ... as many:
/// dynamic NTK. Set i has the base theta * (2^(i+1) - 1)^(head_dim / (head_dim - 2)).
ops::RopeTable dynamic_ntk_rope(int64_t head_dim, double theta, int64_t sets);
/// The set that a prompt of so many tokens takes.
int64_t dynamic_ntk_set(int64_t tokens, int64_t length);

/// Interleaved M-RoPE of Qwen3-VL: frequency j takes the row position if j mod 3 = 1 and
/// j < 3 * section[1], the column position if j mod 3 = 2 and j < 3 * section[2], else the time.
ops::RopeTable interleaved_mrope(int64_t head_dim, double theta,
                                 const std::array<int64_t, 3>& section);

/// M-RoPE of Qwen2-VL and Qwen2.5-VL: the first section[0] frequencies take the time, the next
/// section[1] the row, the last section[2] the column position.
ops::RopeTable sectioned_mrope(int64_t head_dim, double theta,
                               const std::array<int64_t, 3>& section);

/// 2-D rotary of a vision tower: head_dim / 4 frequencies theta^(-2i / (head_dim / 2)), first for
/// the row, then the same for the column.
ops::RopeTable vision_rope(int64_t head_dim, double theta);

}  // namespace visavis::nn
