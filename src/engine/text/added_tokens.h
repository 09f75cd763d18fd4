// Added tokens: strings that are found in the text before anything else and become one id each,
// such as <|im_end|> or <image>. Also knows where they may not be found: in a user's bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/normalizer.h"

namespace visavis::text {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool single_word = false;  // not inside a word
  bool lstrip = false;       // takes the white space on its left with it
  bool rstrip = false;
  bool normalized = true;  // looked for in the normalised text
  bool special = false;    // left out when decoding without special tokens
};

/// A part of a text: a token that was found (id >= 0), or text between tokens.
struct Section {
  size_t begin = 0;
  size_t end = 0;
  int32_t id = -1;
};

/// Finds tokens, leftmost and then longest first.
class TokenMatcher {
 public:
  /// `text` is what is looked for: the token's content, or its normalised form.
  void add(std::string_view text, const AddedToken& token);

  /// Cuts the text into sections that cover it, in order, none of them empty. A token any byte of
  /// which is a user's does not count.
  std::vector<Section> split(const MarkedText& text) const;

 private:
  struct Node {
    std::vector<std::pair<uint8_t, uint32_t>> children;  // sorted by byte
    int32_t token = -1;                                  // index into tokens_
  };
  const Node* child(const Node& node, uint8_t byte) const;

  std::vector<Node> nodes_ = {Node{}};
  std::array<bool, 256> starts_{};  // bytes that begin a token
  std::vector<AddedToken> tokens_;
};

}  // namespace visavis::text
