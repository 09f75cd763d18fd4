// Typed reads of one key of a tokenizer.json part, with errors that name the place and the key.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace visavis::text {

/// The value of a key; `fallback` where the key is missing or null. Throws Error on another type.
inline bool bool_field(const base::Json& json, const char* key, bool fallback,
                       const std::string& name) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return fallback;
  require(found->is_boolean(), name, ": '", key, "' is ", found->type_name(), ", wanted a boolean");
  return found->get<bool>();
}

inline std::optional<std::string> optional_string_field(const base::Json& json, const char* key,
                                                        const std::string& name) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  require(found->is_string(), name, ": '", key, "' is ", found->type_name(), ", wanted a string");
  return found->get<std::string>();
}

inline std::string string_field(const base::Json& json, const char* key, const std::string& name) {
  auto value = optional_string_field(json, key, name);
  require(value.has_value(), name, ": '", key, "' is missing");
  return *std::move(value);
}

inline int64_t int_field(const base::Json& json, const char* key, int64_t fallback,
                         const std::string& name) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return fallback;
  require(found->is_number_integer(), name, ": '", key, "' is ", found->type_name(),
          ", wanted a whole number");
  return found->get<int64_t>();
}

inline const base::Json& array_field(const base::Json& json, const char* key,
                                     const std::string& name) {
  const auto found = json.find(key);
  require(found != json.end() && found->is_array(), name, ": '", key, "' is missing or no array");
  return *found;
}

/// The "type" of a part such as a normalizer.
inline std::string type_field(const base::Json& json, const std::string& name) {
  require(json.is_object(), name, ": is ", json.type_name(), ", wanted an object");
  return string_field(json, "type", name);
}

}  // namespace visavis::text
