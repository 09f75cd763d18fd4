// Python's string methods on tagged text. Positions are characters (code points).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/template_value.h"

namespace visavis::text {

class Interpreter;

/// The byte where each character starts, and the size at the end.
std::vector<size_t> character_starts(const TaggedText& text);
/// text[index], negative from the end; undefined outside.
Value character_at(Interpreter& run, const TaggedText& text, int64_t index);

/// Without white space (Python's) or without any of `characters` at the chosen ends.
TaggedText stripped(const TaggedText& text, bool left, bool right,
                    const std::optional<std::string>& characters);
TaggedText upper_case(const TaggedText& text);
TaggedText lower_case(const TaggedText& text);
/// First letter upper case, the rest lower case.
TaggedText capitalized(const TaggedText& text);
/// Every word capitalized. The filter's words begin after white space and -({[<, the method's after
/// anything that is no letter.
TaggedText title_case(const TaggedText& text, bool as_filter);
/// At most `count` replacements; negative: all.
TaggedText replaced(Interpreter& run, const TaggedText& text, const TaggedText& from,
                    const TaggedText& to, int64_t count);
/// Parts between separators; without a separator, between runs of white space.
std::vector<Value> split_text(Interpreter& run, const TaggedText& text,
                              const std::optional<std::string>& separator, int64_t most,
                              bool from_right);
/// printf-like formatting with %s, %d and %%. `values`: a tuple, or one value.
TaggedText formatted(Interpreter& run, const TaggedText& format, const Value& values);

}  // namespace visavis::text
