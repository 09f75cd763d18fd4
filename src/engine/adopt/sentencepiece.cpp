#include "engine/adopt/sentencepiece.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace visavis::adopt {
namespace {

using Json = nlohmann::json;

constexpr const char* kSpace = "\xE2\x96\x81";  // U+2581, a space inside pieces
// A longer piece would be split in too many ways; published vocabularies stay below 100 bytes.
constexpr size_t kMostBytes = 256;

bool merges(const Piece& piece) {
  return piece.type == PieceType::normal || piece.type == PieceType::user_defined;
}

// Every way in which a piece is two pieces, pieces with high scores first.
Json merge_list(const std::vector<Piece>& pieces, const std::string& file) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < pieces.size(); ++id)
    if (merges(pieces[id])) ids.emplace(pieces[id].text, id);
  std::vector<size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return pieces[a].score > pieces[b].score; });
  Json list = Json::array();
  for (const size_t id : order) {
    if (!merges(pieces[id])) continue;
    const std::string_view text = pieces[id].text;
    require(text.size() <= kMostBytes, file, ": token ", id, " has ", text.size(),
            " bytes, wanted at most ", kMostBytes);
    std::vector<std::pair<size_t, size_t>> splits;
    for (size_t cut = 1; cut < text.size(); ++cut) {
      if ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) continue;  // inside a character
      const auto left = ids.find(text.substr(0, cut));
      const auto right = ids.find(text.substr(cut));
      if (left != ids.end() && right != ids.end()) splits.emplace_back(left->second, right->second);
    }
    std::sort(splits.begin(), splits.end());
    for (const auto& [left, right] : splits)
      list.push_back({pieces[left].text, pieces[right].text});
  }
  return list;
}

}  // namespace

Json added_tokens(const std::vector<Piece>& pieces) {
  Json list = Json::array();
  for (size_t id = 0; id < pieces.size(); ++id) {
    const PieceType type = pieces[id].type;
    if (type != PieceType::control && type != PieceType::unknown && type != PieceType::user_defined)
      continue;
    list.push_back({{"id", id},
                    {"content", pieces[id].text},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", false},
                    {"special", type != PieceType::user_defined}});
  }
  return list;
}

Json sentencepiece_tokenizer(const std::vector<Piece>& pieces, bool add_space, int64_t bos,
                             const std::string& file) {
  Json vocabulary = Json::object();
  std::string unknown;
  bool bytes = false;
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].type == PieceType::unused) continue;
    require(vocabulary.emplace(pieces[id].text, id).second, file, ": token '", pieces[id].text,
            "' is there twice");
    if (pieces[id].type == PieceType::unknown) unknown = pieces[id].text;
    bytes = bytes || pieces[id].type == PieceType::byte;
  }
  require(!unknown.empty() && bytes, file,
          ": the vocabulary has no unknown token or no bytes, as LLaMA's has");
  Json normalizers = Json::array();
  if (add_space) normalizers.push_back({{"type", "Prepend"}, {"prepend", kSpace}});
  normalizers.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}});
  Json decoders =
      Json::array({{{"type", "Replace"}, {"pattern", {{"String", kSpace}}}, {"content", " "}},
                   {{"type", "ByteFallback"}},
                   {{"type", "Fuse"}}});
  if (add_space)
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  Json post_processor = nullptr;
  if (bos >= 0) {
    const std::string& text = pieces.at(static_cast<size_t>(bos)).text;
    const Json first = {{"SpecialToken", {{"id", text}, {"type_id", 0}}}};
    const Json rest = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    const Json ids = {{"id", text}, {"ids", {bos}}, {"tokens", {text}}};
    post_processor = {{"type", "TemplateProcessing"},
                      {"single", {first, rest}},
                      {"pair", {first, rest}},
                      {"special_tokens", {{text, ids}}}};
  }
  return {{"version", "1.0"},
          {"added_tokens", added_tokens(pieces)},
          {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
          {"pre_tokenizer", nullptr},
          {"post_processor", post_processor},
          {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
          {"model",
           {{"type", "BPE"},
            {"unk_token", unknown},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"vocab", vocabulary},
            {"merges", merge_list(pieces, file)}}}};
}

}  // namespace visavis::adopt
