// What tokenizer_config.json adds to a tokenizer.json: the class (which decides the rules), the
// special strings, BOS and EOS, and added tokens of its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/text/added_tokens.h"

namespace visavis::text {

/// Which rules run: those that tokenizer.json states, or what the oracle builds itself for a class
/// from the vocabulary and merges of tokenizer.json.
enum class TokenizerRules { tokenizer_json, llama, qwen2 };

struct TokenizerConfig {
  std::string tokenizer_class;                         // without "Fast"; empty if absent
  std::map<std::string, std::string> special_strings;  // bos_token -> "<s>", ...
  std::vector<std::string> extra_special;              // further strings that are special
  std::vector<AddedToken> added_tokens;                // ids as stated there
  bool legacy = false;
  bool add_prefix_space = true;
  /// BOS and EOS around a text, where tokenizer.json has no post-processor to say so.
  bool add_bos = false;
  bool add_eos = false;

  /// `name` is how errors call the file.
  static TokenizerConfig read(const base::Json& json, const std::string& name);

  /// The rules that the oracle's AutoTokenizer takes. `model_type` is that of config.json, empty if
  /// there is none: some types override the class that is named here.
  TokenizerRules rules(const std::string& model_type) const;
};

}  // namespace visavis::text
