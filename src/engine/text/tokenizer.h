// A checkpoint's tokenizer: text to token ids and back, driven wholly by its tokenizer.json (or the
// qwen.tiktoken of older models) and tokenizer_config.json (no vocabulary of ours). Ids equal those
// of the oracle's tokenizer; what a file asks for and we do not know is refused by name when
// loading. Start reading at encode() in tokenizer.cpp: added tokens -> normalizer -> pre-tokenizer
// -> BPE -> post-processor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/text/tagged_text.h"

namespace visavis::text {

struct TokenizerParts;

/// The text of a growing sequence of ids. All pieces joined equal Tokenizer::decode of all ids, and
/// every piece is valid UTF-8: bytes of an unfinished character, and byte tokens whose reading
/// depends on what follows, wait. Not thread-safe; must not outlive its Tokenizer.
class StreamDecoder {
 public:
  StreamDecoder(StreamDecoder&&) noexcept;
  ~StreamDecoder();
  /// The text that this id makes final; often empty.
  std::string push(int32_t id);
  /// The rest, after the last id. Unfinished characters become U+FFFD.
  std::string finish();

 private:
  friend class Tokenizer;
  struct State;
  explicit StreamDecoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Immutable after loading; every method may be called from several threads at once.
class Tokenizer {
 public:
  /// Reads tokenizer.json, or else qwen.tiktoken, and, where there are, tokenizer_config.json and
  /// the model_type of config.json of a checkpoint folder. Throws Error naming the file and what in
  /// it is missing, wrong or unsupported.
  static Tokenizer load(const std::filesystem::path& folder);
  /// The file that load() reads; tokenizer.json if there is none.
  static std::filesystem::path file_of(const std::filesystem::path& folder);
  /// The same from memory; `config` is the content of tokenizer_config.json (an object, may be
  /// empty), `model_type` that of config.json (may be empty) and `name` is how errors call the
  /// tokenizer.json.
  static Tokenizer parse(std::string_view tokenizer_json, const base::Json& config,
                         const std::string& model_type, std::string_view name);

  /// A qwen.tiktoken from memory.
  static Tokenizer parse_tiktoken(std::string_view tiktoken, const base::Json& config,
                                  std::string_view name);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Ids of raw text as the oracle gives them: added tokens are recognised, and the post-processor
  /// puts BOS and EOS where it does there. Text that is not UTF-8 is read with U+FFFD in place of
  /// the bad parts. Cost: about linear in the text, n log n inside one pre-token.
  std::vector<int32_t> encode(std::string_view text) const;

  /// Ids of a rendered prompt: added tokens are matched only where no byte is a user's, while
  /// normaliser, pre-tokenizer and merges run across the borders. As in the oracle, BOS and EOS
  /// are put around it unless the text already begins with the BOS string.
  std::vector<int32_t> encode(const TaggedText& prompt) const;

  /// Ids of text in which no added token is matched, with nothing put around it.
  std::vector<int32_t> encode_plain(std::string_view text) const;

  /// Text of ids, always valid UTF-8. Ids that name no token contribute nothing, as in the oracle.
  std::string decode(std::span<const int32_t> ids, bool skip_special) const;
  StreamDecoder stream(bool skip_special) const;

  /// The token's string as the vocabulary spells it (byte-level alphabet, U+2581 for a space).
  std::optional<std::string> token(int32_t id) const;
  std::optional<int32_t> id_of(std::string_view token) const;
  /// True for added tokens marked special and for those that the configuration names (bos_token,
  /// ...).
  bool is_special(int32_t id) const;

  /// Largest id + 1: every id that encode() gives is below it.
  int64_t size() const;

  /// The configuration's special strings by their key: bos_token, eos_token, pad_token, ...
  /// Chat templates see them as variables.
  const std::map<std::string, std::string>& special_strings() const;

  /// Which rules ran, in words: the tokenizer.json's own, or what the oracle builds for a class.
  const std::string& rule() const;

 private:
  explicit Tokenizer(std::unique_ptr<const TokenizerParts> parts);
  std::unique_ptr<const TokenizerParts> parts_;
};

}  // namespace visavis::text
