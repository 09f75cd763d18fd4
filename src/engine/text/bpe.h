// Byte-pair encoding of one piece of text: characters (or bytes) become tokens, then the pair of
// neighbours that was learnt first is merged until no learnt pair is left.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/vocabulary.h"

namespace visavis::text {

struct BpeOptions {
  std::optional<std::string> unk_token;
  bool fuse_unk = false;       // neighbouring unknown characters become one unknown token
  bool byte_fallback = false;  // an unknown character becomes its bytes, "<0xE4>" each
  bool ignore_merges = false;  // a piece that is a token becomes that token at once
};

class Bpe {
 public:
  /// `vocabulary` must outlive this. Throws Error if unk_token is no token of it; `name` is how
  /// errors call the file.
  Bpe(const Vocabulary& vocabulary, BpeOptions options, std::string_view name);

  /// Makes room for this many merges.
  void reserve(size_t merges);
  /// Adds the next merge in order of rank. Throws Error if left, right or their concatenation is
  /// no token.
  void add_merge(std::string_view left, std::string_view right, std::string_view name);
  /// Adds a merge of two tokens by their ids; merges of one rank happen from left to right.
  void add_pair(int32_t left, int32_t right, int32_t merged, uint32_t rank);
  /// Takes a token out of reach of encode: it stays in the vocabulary, but neither a character, a
  /// merge nor a whole piece gives it. For special tokens, which only matching may produce. To be
  /// called after the merges are added.
  void hide(const std::vector<int32_t>& ids);

  /// Appends the ids of a piece of valid UTF-8. Cost: n log n in its length.
  void encode(std::string_view piece, std::vector<int32_t>& ids) const;

 private:
  struct Merge {
    uint64_t pair = kFree;
    uint32_t rank = 0;
    int32_t id = 0;
  };
  static constexpr uint64_t kFree = ~uint64_t{0};

  const Merge* find_merge(int32_t left, int32_t right) const;
  size_t slot_of(uint64_t pair) const;
  void grow(size_t slots);
  void first_symbols(std::string_view piece, std::vector<int32_t>& symbols) const;
  void merge_short(std::vector<int32_t>& symbols) const;
  void merge_long(std::vector<int32_t>& symbols) const;

  const Vocabulary* vocabulary_;
  BpeOptions options_;
  int32_t unk_id_ = -1;
  std::vector<int32_t> characters_;   // id of each character of the basic plane, or -1
  std::array<int32_t, 256> bytes_{};  // id of "<0x..>", or -1
  std::vector<bool> hidden_;          // by id, empty if nothing is hidden
  std::vector<Merge> merges_;         // open addressing, power of two
  size_t merge_count_ = 0;
  uint32_t next_rank_ = 0;
};

}  // namespace visavis::text
