// The "pattern" of a tokenizer.json part: {"String": s} or {"Regex": r}.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "engine/text/regex.h"

namespace visavis::text {

class Pattern {
 public:
  explicit Pattern(std::variant<std::string, Regex> what) : what_(std::move(what)) {}
  /// Reads key "pattern" of `json`. Throws Error on another shape.
  static Pattern read(const base::Json& json, const std::string& name);

  /// Byte ranges of all matches, left to right, not overlapping.
  std::vector<ByteRange> find_all(std::string_view text) const;
  /// The string to look for, or null if it is a regular expression.
  const std::string* literal() const { return std::get_if<std::string>(&what_); }

 private:
  std::variant<std::string, Regex> what_;
};

}  // namespace visavis::text
