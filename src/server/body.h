// The body of a request as JSON, and typed access to its fields. Bodies are hostile: depth and
// number of values are bounded before anything is built. Every error is an ApiError that names the
// field.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/api_error.h"

namespace visavis::server {

/// Parses a body that must be one JSON object. Throws ApiError 400: no JSON, not an object, deeper
/// than 32, more than 200,000 values.
base::Json parse_body(std::string_view body);

/// The fields of one object. `where` stands in front of their names in errors, e.g. "messages[0].".
class Fields {
 public:
  /// Throws ApiError for a key that is not among `known`, listing those, or if it is no object.
  Fields(base::Json& object, std::string where, std::initializer_list<std::string_view> known);

  /// The value; null if the key is absent or null.
  base::Json* find(std::string_view key);
  base::Json& require(std::string_view key);
  std::string name(std::string_view key) const { return where_ + std::string(key); }

  std::optional<double> number(std::string_view key, double low, double high);
  std::optional<int64_t> integer(std::string_view key, int64_t low, int64_t high);
  bool boolean(std::string_view key, bool fallback);
  std::optional<std::string> text(std::string_view key);
  /// A text or a list of at most `most` texts; empty if absent.
  std::vector<std::string> texts(std::string_view key, size_t most);

 private:
  base::Json& object_;
  std::string where_;
};

/// "a number", "an object", ... for errors.
std::string kind_of(const base::Json& value);

}  // namespace visavis::server
