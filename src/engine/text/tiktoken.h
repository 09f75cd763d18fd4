// The tokenizer file of Qwen's first models (qwen.tiktoken): one token a line, its bytes in base64
// and its rank. The rest (split pattern, special tokens behind the last rank) is in their published
// code and therefore here. Private to the tokenizer.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/text/tokenizer_parts.h"

namespace visavis::text {

inline constexpr const char* kTiktokenFile = "qwen.tiktoken";

/// Throws Error naming file and line: no base64, no rank, a byte without a token, a token that is
/// too long, ranks that are not 0, 1, 2, ... in any order. Allocates at most about 100 times the
/// file's size. Source: tokenization_qwen.py of Qwen/Qwen-VL-Chat.
std::unique_ptr<TokenizerParts> read_tiktoken(std::string_view file, const TokenizerConfig& config,
                                              const std::string& name);

}  // namespace visavis::text
