// The conversation as Qwen-VL-Chat was trained on it: ChatML, pictures numbered through the whole
// conversation. The published model has no chat template, its Python code puts the ids together.
#pragma once

#include <vector>

#include "chat/request.h"
#include "engine/text/tagged_text.h"

namespace visavis::models::qwen_vl_chat {

/// The prompt in pieces that are tokenised apart (a text that begins with line breaks does not join
/// the break after its role). A picture is `Picture 1: <img><imgpad></img>` and a line break, with
/// one placeholder for all its features; without a system turn the published default leads.
/// Source: qwen_generation_utils.py (make_context) and tokenization_qwen.py (from_list_format).
std::vector<text::TaggedText> prompt_pieces(const std::vector<chat::Turn>& turns);

}  // namespace visavis::models::qwen_vl_chat
