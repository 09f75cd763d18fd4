// The text half of Qwen-VL: the decoder that all families share, from the names of 2023.
#pragma once

#include "engine/load/loader.h"
#include "engine/models/qwen_vl_chat/config.h"
#include "engine/models/text_decoder.h"

namespace visavis::models::qwen_vl_chat {

/// Loads everything below "transformer." but the tower, and the head.
TextDecoder load_text(load::WeightLoader& loader, const Config& config);

}  // namespace visavis::models::qwen_vl_chat
