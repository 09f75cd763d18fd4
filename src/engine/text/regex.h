// A regular expression of a tokenizer.json, run by ICU. Those files are written for Oniguruma;
// where the two read a pattern differently, it is translated. Bounded: the text, the match time and
// the match stack have limits, so a hostile pattern ends in an Error, not in a hang.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tagged_text.h"

namespace visavis::text {

class Regex {
 public:
  /// Throws Error naming the pattern if ICU does not accept it.
  explicit Regex(std::string_view pattern);

  /// Byte ranges of all matches in valid UTF-8, left to right, not overlapping. Throws Error when
  /// a limit is hit.
  std::vector<ByteRange> find_all(std::string_view text) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;  // shared: immutable, and Regex is copied by value
};

}  // namespace visavis::text
