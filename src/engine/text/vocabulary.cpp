#include "engine/text/vocabulary.h"

#include <bit>
#include <functional>

#include "base/error.h"

namespace visavis::text {
namespace {

constexpr size_t kMaxArena = size_t{1} << 30;

}  // namespace

void Vocabulary::reserve(size_t tokens) {
  by_id_.reserve(tokens);
  const size_t slots = std::bit_ceil(tokens * 2 + 16);
  if (slots > table_.size()) grow(slots);
}

void Vocabulary::add(std::string_view token, int64_t id, std::string_view name) {
  require(id >= 0 && id < kMaxId, name, ": token '", token, "' has id ", id, ", wanted 0 up to ",
          kMaxId - 1);
  require(arena_.size() + token.size() <= kMaxArena, name, ": more than ", kMaxArena,
          " bytes of token strings");
  const auto index = static_cast<size_t>(id);
  if (index >= by_id_.size()) by_id_.resize(index + 1);
  if (by_id_[index].length != kNone) {
    fail(name, ": id ", id, " belongs to two tokens, '", *this->token(id), "' and '", token, "'");
  }
  if (static_cast<size_t>(count_ + 1) * 2 > table_.size()) {
    grow(std::bit_ceil(static_cast<size_t>(count_) * 4 + 16));
  }
  const size_t slot = slot_of(token);
  if (table_[slot] >= 0) {
    fail(name, ": token '", token, "' has two ids, ", table_[slot], " and ", id);
  }
  by_id_[index] = {static_cast<uint32_t>(arena_.size()), static_cast<uint32_t>(token.size())};
  arena_ += token;
  table_[slot] = static_cast<int32_t>(id);
  ++count_;
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  if (table_.empty()) return std::nullopt;
  const int32_t id = table_[slot_of(token)];
  if (id < 0) return std::nullopt;
  return id;
}

std::optional<std::string_view> Vocabulary::token(int64_t id) const {
  if (id < 0 || id >= size()) return std::nullopt;
  const Entry entry = by_id_[static_cast<size_t>(id)];
  if (entry.length == kNone) return std::nullopt;
  return std::string_view(arena_).substr(entry.offset, entry.length);
}

// The slot that holds the token, or the free one where it would go.
size_t Vocabulary::slot_of(std::string_view token) const {
  const size_t mask = table_.size() - 1;
  size_t slot = std::hash<std::string_view>{}(token)&mask;
  while (table_[slot] >= 0 && *this->token(table_[slot]) != token) slot = (slot + 1) & mask;
  return slot;
}

void Vocabulary::grow(size_t slots) {
  table_.assign(slots, -1);
  for (size_t id = 0; id < by_id_.size(); ++id) {
    if (by_id_[id].length == kNone) continue;
    table_[slot_of(*token(static_cast<int64_t>(id)))] = static_cast<int32_t>(id);
  }
}

}  // namespace visavis::text
