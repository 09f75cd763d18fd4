// The parts of a loaded tokenizer, and the reader that makes them of a tokenizer.json. Private to
// the tokenizer.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/added_tokens.h"
#include "engine/text/bpe.h"
#include "engine/text/decoder.h"
#include "engine/text/normalizer.h"
#include "engine/text/post_processor.h"
#include "engine/text/pre_tokenizer.h"
#include "engine/text/tokenizer_config.h"
#include "engine/text/vocabulary.h"

namespace visavis::text {

struct TokenizerParts {
  std::string rule;
  Vocabulary vocabulary;  // the model's and the added tokens
  std::unique_ptr<Bpe> bpe;
  std::unique_ptr<Normalizer> normalizer;       // may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // may be null
  PostProcessor post_processor;
  Decoder decoder;
  TokenMatcher raw_matcher;         // added tokens looked for in the text as it is
  TokenMatcher normalized_matcher;  // those looked for after normalising
  std::set<int32_t> special_ids;
  std::map<std::string, std::string> special_strings;
};

/// `model_type` is that of config.json, or empty. Throws Error naming what is missing, wrong or
/// unsupported; `name` is how it calls the file.
std::unique_ptr<TokenizerParts> read_tokenizer(std::string_view tokenizer_json,
                                               const TokenizerConfig& config,
                                               const std::string& model_type,
                                               const std::string& name);

}  // namespace visavis::text
