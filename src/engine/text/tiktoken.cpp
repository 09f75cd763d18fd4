#include "engine/text/tiktoken.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/error.h"
#include "engine/text/byte_alphabet.h"
#include "engine/text/tokenizer_rules.h"

namespace visavis::text {
namespace {

constexpr size_t kMaxFile = size_t{1} << 26;
constexpr size_t kMaxToken = 512;  // bytes; the published file's longest token has 128
constexpr int kExtras = 205;

struct Line {
  std::string_view token;  // base64
  std::string_view rank;
};

// The tokens that the published code numbers behind the last rank. What the model writes around
// regions of a picture is text to whoever reads an answer; the others are not.
std::vector<AddedToken> special_tokens(int32_t id) {
  std::vector<AddedToken> tokens;
  const auto add = [&](std::string content, bool hidden) {
    tokens.push_back(
        {.content = std::move(content), .id = id++, .normalized = false, .special = hidden});
  };
  for (const char* content : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) add(content, true);
  for (int i = 0; i < kExtras; ++i) add("<|extra_" + std::to_string(i) + "|>", true);
  for (const char* content : {"<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"})
    add(content, false);
  for (const char* content : {"<img>", "</img>", "<imgpad>"}) add(content, true);
  return tokens;
}

// Calls each(line, number) for every line that is not empty.
template <class Each>
void for_lines(std::string_view file, const std::string& name, const Each& each) {
  size_t number = 0;
  while (!file.empty()) {
    ++number;
    const size_t end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    require(space != std::string_view::npos, name, ": line ", number,
            " has no space, wanted a token in base64, a space and its rank");
    each(Line{line.substr(0, space), line.substr(space + 1)}, number);
  }
}

std::string bytes_of(const Line& line, const std::string& name, size_t number) {
  require(line.token.size() <= kMaxToken * 4 / 3 + 4, name, ": line ", number, " has a token of ",
          line.token.size(), " characters, wanted one of at most ", kMaxToken, " bytes");
  const std::optional<std::string> bytes = base::from_base64(line.token);
  require(bytes.has_value() && !bytes->empty() && bytes->size() <= kMaxToken, name, ": line ",
          number, ": '", line.token, "' is not 1 to ", kMaxToken, " bytes in base64");
  return *bytes;
}

int64_t rank_of(const Line& line, const std::string& name, size_t number) {
  int64_t rank = -1;
  const char* end = line.rank.data() + line.rank.size();
  const auto [at, error] = std::from_chars(line.rank.data(), end, rank);
  require(error == std::errc() && at == end && rank >= 0, name, ": line ", number, ": '",
          line.rank.substr(0, 40), "' is no rank");
  return rank;
}

// Every way to make a token of two others: which neighbours become one, and which first, follows
// from the ranks of what they become.
void add_pairs(const Vocabulary& vocabulary, int32_t id, std::string_view token, Bpe& bpe) {
  for (size_t cut = 1; cut < token.size(); ++cut) {
    const bool inside_character = (static_cast<uint8_t>(token[cut]) & 0xC0) == 0x80;
    if (inside_character) continue;
    const auto left = vocabulary.find(token.substr(0, cut));
    if (!left) continue;
    const auto right = vocabulary.find(token.substr(cut));
    if (right) bpe.add_pair(*left, *right, id, static_cast<uint32_t>(id));
  }
}

}  // namespace

std::unique_ptr<TokenizerParts> read_tiktoken(std::string_view file, const TokenizerConfig& config,
                                              const std::string& name) {
  require(file.size() <= kMaxFile, name, ": ", file.size(), " bytes, wanted at most ", kMaxFile);
  auto parts = std::make_unique<TokenizerParts>();
  Vocabulary& vocabulary = parts->vocabulary;
  const auto lines = static_cast<int64_t>(std::count(file.begin(), file.end(), '\n')) + 1;
  vocabulary.reserve(static_cast<size_t>(lines));
  for_lines(file, name, [&](const Line& line, size_t number) {
    const int64_t rank = rank_of(line, name, number);
    require(rank < lines, name, ": line ", number, ": rank ", rank, " in a file of ", lines,
            " lines, wanted 0, 1, 2, ...");
    vocabulary.add(to_byte_alphabet(bytes_of(line, name, number)), rank,
                   name + ": line " + std::to_string(number));
  });
  require(vocabulary.size() == vocabulary.count(), name, ": found ", vocabulary.count(),
          " tokens and ranks up to ", vocabulary.size() - 1, ", wanted every rank once");
  for (int byte = 0; byte < 256; ++byte)
    require(vocabulary.find(to_byte_alphabet(std::string(1, static_cast<char>(byte)))).has_value(),
            name, ": no token for the byte ", byte, ", wanted one for each of 256");

  const auto count = static_cast<int32_t>(vocabulary.count());
  BpeOptions options;
  options.ignore_merges = true;  // a piece that is a token is not taken apart
  parts->bpe = std::make_unique<Bpe>(vocabulary, options, name);
  for (int32_t id = 0; id < count; ++id)
    add_pairs(vocabulary, id, *vocabulary.token(id), *parts->bpe);

  std::vector<int32_t> added;
  for (const AddedToken& token : special_tokens(count)) {
    vocabulary.add(token.content, token.id, name);
    parts->raw_matcher.add(token.content, token);
    added.push_back(token.id);
    if (token.special) parts->special_ids.insert(token.id);
  }
  parts->bpe->hide(added);

  const Rules rules = qwen2_rules();
  parts->rule = "tiktoken: NFC, Qwen's split pattern, byte level";
  parts->normalizer = make_normalizer(rules.normalizer, name);
  parts->pre_tokenizer = make_pre_tokenizer(rules.pre_tokenizer, name);
  parts->decoder = Decoder::read(rules.decoder, name);
  parts->special_strings = config.special_strings;
  return parts;
}

}  // namespace visavis::text
