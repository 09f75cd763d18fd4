// The rules between text and byte-pair encoding, in tokenizer.json's words: what a file states, or
// what the oracle builds itself for a class. Private to the tokenizer.
#pragma once

#include <string>

#include "base/json.h"
#include "engine/text/bpe.h"
#include "engine/text/tokenizer_config.h"

namespace visavis::text {

/// What a tokenizer.json says besides vocabulary, merges and added tokens.
struct Rules {
  std::string words;
  BpeOptions options;
  base::Json normalizer;
  base::Json pre_tokenizer;
  base::Json decoder;
};

/// What the oracle builds for its LLaMA class.
Rules llama_rules(const TokenizerConfig& config);
/// What the oracle builds for its Qwen2 class; the class of Qwen's first models has the same.
Rules qwen2_rules();

}  // namespace visavis::text
