#include "engine/text/tokenizer_rules.h"

namespace visavis::text {

Rules llama_rules(const TokenizerConfig& config) {
  const char* scheme = !config.add_prefix_space ? "never" : config.legacy ? "always" : "first";
  base::Json steps = base::Json::array();
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}});
  steps.push_back({{"type", "ByteFallback"}});
  steps.push_back({{"type", "Fuse"}});
  if (config.add_prefix_space) {
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  return {.words = std::string("LlamaTokenizer: Metaspace, prepend_scheme ") + scheme,
          .options = {.unk_token = std::nullopt, .fuse_unk = true, .byte_fallback = true},
          .normalizer = nullptr,
          .pre_tokenizer = {{"type", "Metaspace"},
                            {"replacement", "\u2581"},
                            {"prepend_scheme", scheme},
                            {"split", false}},
          .decoder = {{"type", "Sequence"}, {"decoders", steps}}};
}

Rules qwen2_rules() {
  constexpr const char* kPattern = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
                                   R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  base::Json steps = base::Json::array();
  steps.push_back(
      {{"type", "Split"}, {"pattern", {{"Regex", kPattern}}}, {"behavior", "Isolated"}});
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  return {.words = "Qwen2Tokenizer: NFC, its own split pattern, byte level",
          .options = {},
          .normalizer = {{"type", "NFC"}},
          .pre_tokenizer = {{"type", "Sequence"}, {"pretokenizers", steps}},
          .decoder = {{"type", "ByteLevel"}}};
}

}  // namespace visavis::text
