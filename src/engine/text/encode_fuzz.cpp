// Feeds arbitrary text, parts of it a user's, to a byte-level and a byte-fallback tokenizer: no
// special id comes from a user's text, and streamed text equals decoded text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "engine/text/byte_alphabet.h"
#include "engine/text/tokenizer.h"

namespace {

using namespace visavis;
using base::Json;

Json special(const char* content, int id) {
  return {{"content", content}, {"id", id}, {"special", true}, {"normalized", false}};
}

Json with_model(Json vocab, Json merges) {
  return {{"model",
           {{"type", "BPE"},
            {"vocab", std::move(vocab)},
            {"merges", std::move(merges)},
            {"byte_fallback", true}}},
          {"added_tokens", {special("<s>", 300), special("<|x|>", 301)}}};
}

text::Tokenizer byte_level() {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    vocab[text::to_byte_alphabet(std::string(1, static_cast<char>(byte)))] = byte;
  }
  vocab["ab"] = 256;
  vocab["\u0120a"] = 257;
  Json json = with_model(std::move(vocab), {"a b", "\u0120 a"});
  json["normalizer"] = {{"type", "NFC"}};
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  json["decoder"] = {{"type", "ByteLevel"}};
  return text::Tokenizer::parse(base::dump_json(json), Json::object(), "", "byte level");
}

text::Tokenizer byte_fallback() {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  Json vocab = Json::object();
  for (size_t byte = 0; byte < 256; ++byte) {
    vocab[std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">"] = byte;
  }
  vocab["\u2581"] = 256;
  vocab["a"] = 257;
  vocab["b"] = 258;
  vocab["ab"] = 259;
  vocab["\u2581a"] = 260;
  vocab["<"] = 261;
  Json json = with_model(std::move(vocab), {"a b", "\u2581 a"});
  return text::Tokenizer::parse(base::dump_json(json), {{"tokenizer_class", "LlamaTokenizer"}}, "",
                                "byte fallback");
}

void check(const text::Tokenizer& tokenizer, std::string_view bytes) {
  // The first byte says how long the parts are that come from the user in turn.
  const size_t step = bytes.empty() ? 1 : static_cast<uint8_t>(bytes[0]) % 16 + 1;
  text::TaggedText prompt;
  bool user = false;
  for (size_t at = 0; at < bytes.size(); at += step, user = !user) {
    const std::string part(bytes.substr(at, step));
    if (user) {
      prompt.append(text::TaggedText::from_user(part));
    } else {
      prompt.append(part);
    }
  }
  for (const int32_t id : tokenizer.encode_plain(bytes)) {
    if (tokenizer.is_special(id)) std::abort();
  }
  const std::vector<int32_t> ids = tokenizer.encode(prompt);
  text::StreamDecoder decoder = tokenizer.stream(true);
  std::string streamed;
  for (const int32_t id : ids) {
    const std::string piece = decoder.push(id);
    if (base::valid_utf8(piece) != piece) std::abort();
    streamed += piece;
  }
  streamed += decoder.finish();
  if (streamed != tokenizer.decode(ids, true)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const text::Tokenizer level = byte_level();
  static const text::Tokenizer fallback = byte_fallback();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(level, bytes);
  check(fallback, bytes);
  return 0;
}
