// Text that remembers which of its bytes came from a user. Templates build it, the tokenizer reads
// it: inside user bytes no special token is ever matched, whatever the user typed. Not a rope and
// not Unicode-aware: positions are bytes of UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::text {

/// Bytes [begin, end).
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

class TaggedText {
 public:
  TaggedText() = default;
  /// Text of our own (a template's literal): nothing in it is a user's.
  explicit TaggedText(std::string text) : text_(std::move(text)) {}
  /// Text of which every byte is a user's.
  static TaggedText from_user(std::string text);

  const std::string& text() const { return text_; }
  size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }

  /// The user's bytes: sorted, not empty, not touching each other.
  const std::vector<ByteRange>& user_ranges() const { return user_; }
  bool is_user(size_t byte) const;
  /// True if any byte of [begin, end) is a user's.
  bool touches_user(size_t begin, size_t end) const;

  void append(std::string_view text);
  void append(const TaggedText& other);
  /// Bytes [begin, end), clipped to the text, with their tags.
  TaggedText slice(size_t begin, size_t end) const;
  /// The text with every occurrence of `from` outside the user's bytes replaced by `to`, which is
  /// ours. Used to expand picture placeholders.
  TaggedText replace_own(std::string_view from, std::string_view to) const;

  bool operator==(const TaggedText&) const = default;

 private:
  void add_range(size_t begin, size_t end);

  std::string text_;
  std::vector<ByteRange> user_;
};

}  // namespace visavis::text
