// Checks on what a template passes to filters, tests and methods; errors name who wanted it.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "engine/text/template_value.h"

namespace visavis::text {

/// The value's text. Throws Error if it is something else; so integer_of.
inline const TaggedText& text_of(const Value& value, const char* what) {
  require(value.text() != nullptr, what, " wants a string, found ", value.kind());
  return *value.text();
}

inline int64_t integer_of(const Value& value, const char* what) {
  require(value.integer().has_value(), what, " wants a whole number, found ", value.kind());
  return *value.integer();
}

/// The argument at `position` or called `name`; nothing if it is absent or none.
inline std::optional<std::string> optional_text(const Arguments& arguments, size_t position,
                                                const char* name, const char* what) {
  const Value* value = arguments.find(position, name);
  if (!value || value->is_none()) return std::nullopt;
  return text_of(*value, what).text();
}

/// The one argument of a comparing test or method.
inline const Value& other(const Arguments& arguments) {
  require(arguments.positional.size() == 1, "a comparing test wants one argument");
  return arguments.positional[0];
}

}  // namespace visavis::text
