#include "engine/text/added_tokens.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

namespace visavis::text {
namespace {

// \w of the oracle's regular expressions.
bool is_word(UChar32 c) {
  return u_hasBinaryProperty(c, UCHAR_ALPHABETIC) ||
         (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL);
}

UChar32 character_before(std::string_view text, size_t& at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  auto position = static_cast<int32_t>(at);
  UChar32 c = 0;
  U8_PREV(bytes, 0, position, c);
  at = static_cast<size_t>(position);
  return c;
}

UChar32 character_after(std::string_view text, size_t& at) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  auto position = static_cast<int32_t>(at);
  UChar32 c = 0;
  U8_NEXT(bytes, position, static_cast<int32_t>(text.size()), c);
  at = static_cast<size_t>(position);
  return c;
}

bool inside_word(std::string_view text, size_t begin, size_t end) {
  size_t before = begin;
  size_t after = end;
  return (begin > 0 && is_word(character_before(text, before))) ||
         (end < text.size() && is_word(character_after(text, after)));
}

size_t skip_space_left(std::string_view text, size_t at, size_t limit) {
  while (at > limit) {
    size_t previous = at;
    if (!u_isUWhiteSpace(character_before(text, previous))) break;
    at = previous;
  }
  return std::max(at, limit);
}

size_t skip_space_right(std::string_view text, size_t at) {
  while (at < text.size()) {
    size_t next = at;
    if (!u_isUWhiteSpace(character_after(text, next))) break;
    at = next;
  }
  return at;
}

}  // namespace

void TokenMatcher::add(std::string_view text, const AddedToken& token) {
  if (text.empty()) return;
  uint32_t node = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    auto& children = nodes_[node].children;
    const auto at = std::lower_bound(children.begin(), children.end(), byte,
                                     [](const auto& entry, uint8_t b) { return entry.first < b; });
    if (at != children.end() && at->first == byte) {
      node = at->second;
      continue;
    }
    const auto fresh = static_cast<uint32_t>(nodes_.size());
    children.insert(at, {byte, fresh});
    nodes_.emplace_back();
    node = fresh;
  }
  starts_[static_cast<uint8_t>(text[0])] = true;
  if (nodes_[node].token >= 0) return;  // of two tokens with one text the first counts
  nodes_[node].token = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(token);
}

const TokenMatcher::Node* TokenMatcher::child(const Node& node, uint8_t byte) const {
  const auto at = std::lower_bound(node.children.begin(), node.children.end(), byte,
                                   [](const auto& entry, uint8_t b) { return entry.first < b; });
  return at != node.children.end() && at->first == byte ? &nodes_[at->second] : nullptr;
}

std::vector<Section> TokenMatcher::split(const MarkedText& marked) const {
  const std::string_view text = marked.text;
  std::vector<Section> sections;
  size_t done = 0;  // everything before is in a section
  size_t at = 0;
  while (at < text.size()) {
    if (!starts_[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    int32_t found = -1;
    size_t found_end = at;
    const Node* node = &nodes_[0];
    for (size_t i = at; i < text.size(); ++i) {
      if (!marked.user.empty() && marked.user[i] != 0) break;
      node = child(*node, static_cast<uint8_t>(text[i]));
      if (!node) break;
      if (node->token >= 0) {
        found = node->token;
        found_end = i + 1;
      }
    }
    if (found < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(found)];
    size_t begin = at;
    size_t end = found_end;
    at = found_end;
    if (token.single_word && inside_word(text, begin, end)) continue;
    if (token.lstrip) begin = skip_space_left(text, begin, done);
    if (token.rstrip) end = skip_space_right(text, end);
    if (begin > done) sections.push_back({done, begin, -1});
    sections.push_back({begin, end, token.id});
    done = end;
    at = std::max(at, end);
  }
  if (done < text.size()) sections.push_back({done, text.size(), -1});
  return sections;
}

}  // namespace visavis::text
