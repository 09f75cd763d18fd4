// Token strings and their ids, both ways. One arena and two flat tables, because a vocabulary of
// 150,000 tokens must load in a few hundredths of a second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::text {

class Vocabulary {
 public:
  /// Ids are below this, so that a hostile file cannot make the tables huge.
  static constexpr int64_t kMaxId = int64_t{1} << 22;

  /// Makes room for this many tokens.
  void reserve(size_t tokens);
  /// Throws Error if the token or the id is there already, or the id is out of range; `name` is how
  /// errors call the file.
  void add(std::string_view token, int64_t id, std::string_view name);

  std::optional<int32_t> find(std::string_view token) const;
  /// The string of an id, valid until the next add; nullopt for an id without a token.
  std::optional<std::string_view> token(int64_t id) const;

  /// Number of tokens.
  int64_t count() const { return count_; }
  /// Largest id + 1.
  int64_t size() const { return static_cast<int64_t>(by_id_.size()); }

 private:
  struct Entry {
    uint32_t offset = 0;
    uint32_t length = kNone;
  };
  static constexpr uint32_t kNone = ~uint32_t{0};

  size_t slot_of(std::string_view token) const;
  void grow(size_t slots);

  std::string arena_;
  std::vector<Entry> by_id_;
  std::vector<int32_t> table_;  // open addressing, power of two, -1 = free
  int64_t count_ = 0;
};

}  // namespace visavis::text
