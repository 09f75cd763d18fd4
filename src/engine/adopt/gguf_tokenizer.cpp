// Keys tokenizer.ggml.*: model ("gpt2": byte pair encoding of bytes, "llama": SentencePiece's), pre
// (which pattern splits the text), tokens, token_type, scores, merges, ids of special tokens.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/adopt/gguf_metadata.h"
#include "engine/adopt/sentencepiece.h"

namespace visavis::adopt {
namespace {

using Json = nlohmann::json;

const std::string kKeys = "tokenizer.ggml.";

struct Split {
  const char* name;  // tokenizer.ggml.pre
  const char* pattern;
};

constexpr Split kSplits[] = {
    {"qwen2",
     "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
     "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};

std::vector<Piece> read_pieces(const GgufFile& file) {
  const auto* tokens = find<std::vector<std::string>>(file, kKeys + "tokens", "list of texts");
  require(tokens != nullptr && !tokens->empty(), file.name, ": has no metadata key '", kKeys,
          "tokens', so there is no tokenizer in it");
  const auto* types = find<std::vector<int64_t>>(file, kKeys + "token_type", "list of numbers");
  const auto* scores = find<std::vector<double>>(file, kKeys + "scores", "list of numbers");
  require(types == nullptr || types->size() == tokens->size(), file.name, ": '", kKeys,
          "token_type' has ", types == nullptr ? 0 : types->size(), " entries for ", tokens->size(),
          " tokens");
  require(scores == nullptr || scores->size() == tokens->size(), file.name, ": '", kKeys,
          "scores' has ", scores == nullptr ? 0 : scores->size(), " entries for ", tokens->size(),
          " tokens");
  std::vector<Piece> pieces(tokens->size());
  for (size_t id = 0; id < pieces.size(); ++id) {
    pieces[id].text = (*tokens)[id];
    if (scores != nullptr) pieces[id].score = (*scores)[id];
    if (types == nullptr) continue;
    require((*types)[id] >= 1 && (*types)[id] <= 6, file.name, ": token ", id, " has type ",
            (*types)[id], ", wanted 1 to 6");
    pieces[id].type = static_cast<PieceType>((*types)[id]);
  }
  return pieces;
}

Json byte_level_tokenizer(const GgufFile& file, const std::vector<Piece>& pieces) {
  const std::string pre = text_or(file, kKeys + "pre", "");
  const auto* split = std::find_if(std::begin(kSplits), std::end(kSplits),
                                   [&](const Split& row) { return pre == row.name; });
  std::vector<std::string> known;
  for (const Split& row : kSplits) known.emplace_back(row.name);
  require(split != std::end(kSplits), file.name, ": ", kKeys, "pre is '", pre,
          "', which is not supported; known: ", base::join(known, ", "));
  const auto* merges = find<std::vector<std::string>>(file, kKeys + "merges", "list of texts");
  require(merges != nullptr, file.name, ": has no metadata key '", kKeys, "merges'");
  Json vocabulary = Json::object();
  for (size_t id = 0; id < pieces.size(); ++id)
    if (pieces[id].type == PieceType::normal || pieces[id].type == PieceType::byte)
      require(vocabulary.emplace(pieces[id].text, id).second, file.name, ": token '",
              pieces[id].text, "' is there twice");
  const auto byte_level = [](bool use_regex) {
    return Json{{"type", "ByteLevel"},
                {"add_prefix_space", false},
                {"trim_offsets", false},
                {"use_regex", use_regex}};
  };
  const Json pattern = {{"type", "Split"},
                        {"pattern", {{"Regex", split->pattern}}},
                        {"behavior", "Isolated"},
                        {"invert", false}};
  return {{"version", "1.0"},
          {"added_tokens", added_tokens(pieces)},
          {"normalizer", {{"type", "NFC"}}},
          {"pre_tokenizer",
           {{"type", "Sequence"}, {"pretokenizers", Json::array({pattern, byte_level(false)})}}},
          {"post_processor", byte_level(false)},
          {"decoder", byte_level(true)},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", *merges}}}};
}

}  // namespace

DerivedFiles tokenizer_of_gguf(const GgufFile& file) {
  const std::vector<Piece> pieces = read_pieces(file);
  const auto id_of = [&](const char* key) {
    const auto id = whole(file, kKeys + key);
    require(!id || (*id >= 0 && *id < static_cast<int64_t>(pieces.size())), file.name, ": '", kKeys,
            key, "' is ", id.value_or(0), ", wanted a token's id, below ", pieces.size());
    return id;
  };
  Json settings = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  constexpr std::pair<const char*, const char*> kSpecial[] = {{"bos_token_id", "bos_token"},
                                                              {"eos_token_id", "eos_token"},
                                                              {"unknown_token_id", "unk_token"},
                                                              {"padding_token_id", "pad_token"}};
  for (const auto& [key, name] : kSpecial)
    if (const auto id = id_of(key)) settings[name] = pieces[static_cast<size_t>(*id)].text;
  const std::string model = text_or(file, kKeys + "model", "");
  Json tokenizer;
  if (model == "gpt2") {
    tokenizer = byte_level_tokenizer(file, pieces);
  } else {
    require(model == "llama", file.name, ": ", kKeys, "model is '", model,
            "', which is not supported; known: gpt2, llama");
    const int64_t bos =
        flag(file, kKeys + "add_bos_token", true) ? id_of("bos_token_id").value_or(-1) : -1;
    tokenizer = sentencepiece_tokenizer(pieces, flag(file, kKeys + "add_space_prefix", true), bos,
                                        file.name);
  }
  constexpr auto kReplace = Json::error_handler_t::replace;
  return {{"tokenizer.json", tokenizer.dump(-1, ' ', false, kReplace)},
          {"tokenizer_config.json", settings.dump(-1, ' ', false, kReplace)}};
}

}  // namespace visavis::adopt
