#include "engine/text/bpe.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <bit>
#include <queue>

#include "base/error.h"
#include "base/text.h"

namespace visavis::text {
namespace {

constexpr size_t kBasicPlane = 0x10000;
// Below this many symbols, scanning for the best pair beats keeping a queue.
constexpr size_t kShort = 32;

uint64_t pair_of(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

std::string byte_token(int byte) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[static_cast<size_t>(byte >> 4)] +
         kDigits[static_cast<size_t>(byte & 15)] + ">";
}

}  // namespace

Bpe::Bpe(const Vocabulary& vocabulary, BpeOptions options, std::string_view name)
    : vocabulary_(&vocabulary), options_(std::move(options)), characters_(kBasicPlane, -1) {
  if (options_.unk_token) {
    const auto id = vocabulary.find(*options_.unk_token);
    require(id.has_value(), name, ": unk_token '", *options_.unk_token, "' is no token");
    unk_id_ = *id;
  }
  for (int64_t id = 0; id < vocabulary.size(); ++id) {
    const auto token = vocabulary.token(id);
    if (!token || token->empty() || token->size() > 3) continue;
    const std::u32string points = base::to_code_points(*token);
    if (points.size() == 1 && points[0] < kBasicPlane) {
      characters_[points[0]] = static_cast<int32_t>(id);
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    bytes_[static_cast<size_t>(byte)] = vocabulary.find(byte_token(byte)).value_or(-1);
  }
}

void Bpe::reserve(size_t merges) {
  const size_t slots = std::bit_ceil(merges * 2 + 16);
  if (slots > merges_.size()) grow(slots);
}

void Bpe::add_merge(std::string_view left, std::string_view right, std::string_view name) {
  const auto left_id = vocabulary_->find(left);
  require(left_id.has_value(), name, ": merge ", next_rank_, " names '", left,
          "', which is no token");
  const auto right_id = vocabulary_->find(right);
  require(right_id.has_value(), name, ": merge ", next_rank_, " names '", right,
          "', which is no token");
  std::string joined(left);
  joined += right;
  const auto id = vocabulary_->find(joined);
  require(id.has_value(), name, ": merge ", next_rank_, " makes '", joined, "', which is no token");
  add_pair(*left_id, *right_id, *id, next_rank_++);
}

void Bpe::add_pair(int32_t left, int32_t right, int32_t merged, uint32_t rank) {
  if ((merge_count_ + 1) * 2 > merges_.size()) grow(std::bit_ceil(merge_count_ * 4 + 16));
  const uint64_t pair = pair_of(left, right);
  Merge& slot = merges_[slot_of(pair)];
  if (slot.pair == kFree) ++merge_count_;
  slot = {pair, rank, merged};  // of two merges of the same pair the later one counts
}

void Bpe::hide(const std::vector<int32_t>& ids) {
  hidden_.assign(static_cast<size_t>(vocabulary_->size()), false);
  for (const int32_t id : ids) {
    if (id >= 0 && static_cast<size_t>(id) < hidden_.size())
      hidden_[static_cast<size_t>(id)] = true;
  }
  const auto is_hidden = [&](int32_t id) { return id >= 0 && hidden_[static_cast<size_t>(id)]; };
  std::replace_if(characters_.begin(), characters_.end(), is_hidden, -1);
  std::vector<Merge> kept;
  std::copy_if(merges_.begin(), merges_.end(), std::back_inserter(kept),
               [&](const Merge& m) { return m.pair != kFree && !is_hidden(m.id); });
  if (kept.size() == merge_count_) return;
  std::fill(merges_.begin(), merges_.end(), Merge{});
  for (const Merge& merge : kept) merges_[slot_of(merge.pair)] = merge;
  merge_count_ = kept.size();
}

void Bpe::encode(std::string_view piece, std::vector<int32_t>& ids) const {
  if (options_.ignore_merges) {
    const auto whole = vocabulary_->find(piece);
    if (whole && (hidden_.empty() || !hidden_[static_cast<size_t>(*whole)])) {
      ids.push_back(*whole);
      return;
    }
  }
  std::vector<int32_t> symbols;
  symbols.reserve(piece.size());
  first_symbols(piece, symbols);
  if (symbols.size() > kShort) {
    merge_long(symbols);
  } else {
    merge_short(symbols);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void Bpe::first_symbols(std::string_view piece, std::vector<int32_t>& symbols) const {
  const auto* bytes = reinterpret_cast<const uint8_t*>(piece.data());
  const auto size = static_cast<int32_t>(piece.size());
  bool unknown = false;  // an unknown token waits, so that more of them can join it
  for (int32_t at = 0; at < size;) {
    const int32_t begin = at;
    UChar32 c = 0;
    U8_NEXT(bytes, at, size, c);
    int32_t id = -1;
    if (c >= 0 && static_cast<size_t>(c) < kBasicPlane) {
      id = characters_[static_cast<size_t>(c)];
    } else if (const auto found = vocabulary_->find(
                   piece.substr(static_cast<size_t>(begin), static_cast<size_t>(at - begin)))) {
      if (hidden_.empty() || !hidden_[static_cast<size_t>(*found)]) id = *found;
    }
    if (id >= 0) {
      if (unknown) symbols.push_back(unk_id_);
      unknown = false;
      symbols.push_back(id);
      continue;
    }
    if (options_.byte_fallback &&
        std::all_of(bytes + begin, bytes + at, [&](uint8_t b) { return bytes_[b] >= 0; })) {
      for (int32_t i = begin; i < at; ++i) symbols.push_back(bytes_[bytes[i]]);
      continue;
    }
    if (unk_id_ < 0) continue;  // as in the oracle, a character that nothing stands for is dropped
    if (unknown && !options_.fuse_unk) symbols.push_back(unk_id_);
    unknown = true;
  }
  if (unknown) symbols.push_back(unk_id_);
}

void Bpe::merge_short(std::vector<int32_t>& symbols) const {
  constexpr uint32_t kNever = ~uint32_t{0};
  struct Candidate {
    uint32_t rank = kNever;
    int32_t id = 0;
  };
  std::array<Candidate, kShort> pairs;  // pairs[i]: symbols i and i + 1
  const auto candidate = [&](size_t i) {
    const Merge* merge = find_merge(symbols[i], symbols[i + 1]);
    return merge ? Candidate{merge->rank, merge->id} : Candidate{};
  };
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i) pairs[i] = candidate(i);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].rank == kNever) break;
    symbols[best] = pairs[best].id;
    for (size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i] = pairs[i + 1];
    }
    --count;
    if (best > 0) pairs[best - 1] = candidate(best - 1);
    if (best + 1 < count) pairs[best] = candidate(best);
  }
  symbols.resize(count);
}

void Bpe::merge_long(std::vector<int32_t>& symbols) const {
  // A doubly linked list over the symbols, and a queue of pairs ordered by rank, then position.
  // Entries whose pair has changed since are recognised when they come up.
  const auto count = static_cast<int32_t>(symbols.size());
  std::vector<int32_t> next(symbols.size());
  std::vector<int32_t> previous(symbols.size());
  using Entry = std::pair<uint64_t, int32_t>;  // (rank, position) in one number; id after merging
  std::vector<Entry> entries;
  const auto add = [&](auto& queue, int32_t left, int32_t right) {
    const Merge* merge =
        find_merge(symbols[static_cast<size_t>(left)], symbols[static_cast<size_t>(right)]);
    if (!merge) return;
    queue.push_back(
        {(static_cast<uint64_t>(merge->rank) << 32) | static_cast<uint32_t>(left), merge->id});
  };
  for (int32_t i = 0; i < count; ++i) {
    next[static_cast<size_t>(i)] = i + 1 < count ? i + 1 : -1;
    previous[static_cast<size_t>(i)] = i - 1;
    if (i + 1 < count) add(entries, i, i + 1);
  }
  const auto later = std::greater<Entry>();
  std::make_heap(entries.begin(), entries.end(), later);
  const auto push = [&](int32_t left, int32_t right) {
    const size_t before = entries.size();
    add(entries, left, right);
    if (entries.size() > before) std::push_heap(entries.begin(), entries.end(), later);
  };
  while (!entries.empty()) {
    std::pop_heap(entries.begin(), entries.end(), later);
    const auto [key, id] = entries.back();
    entries.pop_back();
    const auto left = static_cast<int32_t>(key & 0xFFFFFFFFu);
    const auto l = static_cast<size_t>(left);
    if (symbols[l] < 0 || next[l] < 0) continue;
    const auto r = static_cast<size_t>(next[l]);
    const Merge* merge = find_merge(symbols[l], symbols[r]);
    if (!merge || merge->id != id) continue;
    symbols[l] = id;
    symbols[r] = -1;  // gone
    next[l] = next[r];
    if (next[r] >= 0) previous[static_cast<size_t>(next[r])] = left;
    if (previous[l] >= 0) push(previous[l], left);
    if (next[l] >= 0) push(left, next[l]);
  }
  std::erase(symbols, -1);
}

const Bpe::Merge* Bpe::find_merge(int32_t left, int32_t right) const {
  if (merges_.empty()) return nullptr;
  const Merge& merge = merges_[slot_of(pair_of(left, right))];
  return merge.pair == kFree ? nullptr : &merge;
}

size_t Bpe::slot_of(uint64_t pair) const {
  const size_t mask = merges_.size() - 1;
  const uint64_t mixed = pair * 0x9E3779B97F4A7C15u;
  size_t slot = static_cast<size_t>(mixed ^ (mixed >> 32)) & mask;
  while (merges_[slot].pair != kFree && merges_[slot].pair != pair) slot = (slot + 1) & mask;
  return slot;
}

void Bpe::grow(size_t slots) {
  std::vector<Merge> old(slots);
  old.swap(merges_);
  for (const Merge& merge : old) {
    if (merge.pair != kFree) merges_[slot_of(merge.pair)] = merge;
  }
}

}  // namespace visavis::text
