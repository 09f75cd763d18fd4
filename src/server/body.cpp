#include "server/body.h"

#include <algorithm>

#include "base/text.h"

namespace visavis::server {
namespace {

constexpr int kMostDepth = 32;
constexpr int64_t kMostValues = 200'000;

// Counts brackets and commas outside strings; what is wrong otherwise is the parser's business.
void check_size(std::string_view body) {
  int depth = 0;
  int64_t values = 0;
  bool in_string = false;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
      continue;
    }
    if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++values;
      if (++depth > kMostDepth)
        throw ApiError(400, "the body is nested deeper than " + std::to_string(kMostDepth));
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',') {
      ++values;
    }
  }
  if (values > kMostValues)
    throw ApiError(400, "the body holds more than " + std::to_string(kMostValues) + " values");
}

}  // namespace

base::Json parse_body(std::string_view body) {
  check_size(body);
  base::Json json;
  try {
    json = base::parse_json(body, "body");
  } catch (const Error& error) {
    throw ApiError(400, error.what(), "", "invalid_json");
  }
  if (!json.is_object())
    throw ApiError(400, "the body is " + kind_of(json) + ", wanted a JSON object");
  return json;
}

std::string kind_of(const base::Json& value) {
  switch (value.type()) {
    case base::Json::value_t::null:
      return "null";
    case base::Json::value_t::object:
      return "an object";
    case base::Json::value_t::array:
      return "a list";
    case base::Json::value_t::string:
      return "a text";
    case base::Json::value_t::boolean:
      return "true or false";
    case base::Json::value_t::number_integer:
    case base::Json::value_t::number_unsigned:
    case base::Json::value_t::number_float:
      return "a number";
    case base::Json::value_t::binary:
    case base::Json::value_t::discarded:
      break;
  }
  return "nothing";
}

Fields::Fields(base::Json& object, std::string where, std::initializer_list<std::string_view> known)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object()) {
    const std::string name = where_.empty() ? "body" : where_.substr(0, where_.size() - 1);
    refuse_field(name, "found ", kind_of(object), ", wanted an object");
  }
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::vector<std::string> names(known.begin(), known.end());
    throw ApiError(400,
                   "unknown parameter '" + base::valid_utf8(where_ + key.substr(0, 100)) +
                       "'; known: " + base::join(names, ", "),
                   where_ + key.substr(0, 100), "unknown_parameter");
  }
}

base::Json* Fields::find(std::string_view key) {
  const auto found = object_.find(std::string(key));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

base::Json& Fields::require(std::string_view key) {
  base::Json* value = find(key);
  if (value == nullptr)
    throw ApiError(400, "the parameter '" + name(key) + "' is missing", name(key),
                   "missing_parameter");
  return *value;
}

std::optional<double> Fields::number(std::string_view key, double low, double high) {
  const base::Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : low - 1;
  if (!(number >= low && number <= high))
    refuse_field(name(key), "found ", base::dump_json(*value).substr(0, 100),
                 ", wanted a number from ", low, " to ", high);
  return number;
}

std::optional<int64_t> Fields::integer(std::string_view key, int64_t low, int64_t high) {
  const base::Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_unsigned() ? value->get<uint64_t>() <= uint64_t{INT64_MAX}
                                                : value->is_number_integer();
  if (!fits || value->get<int64_t>() < low || value->get<int64_t>() > high)
    refuse_field(name(key), "found ", base::dump_json(*value).substr(0, 100),
                 ", wanted a whole number from ", low, " to ", high);
  return value->get<int64_t>();
}

bool Fields::boolean(std::string_view key, bool fallback) {
  const base::Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean())
    refuse_field(name(key), "found ", kind_of(*value), ", wanted true or false");
  return value->get<bool>();
}

std::optional<std::string> Fields::text(std::string_view key) {
  const base::Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse_field(name(key), "found ", kind_of(*value), ", wanted a text");
  return value->get<std::string>();
}

std::vector<std::string> Fields::texts(std::string_view key, size_t most) {
  const base::Json* value = find(key);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array())
    refuse_field(name(key), "found ", kind_of(*value), ", wanted a text or a list of texts");
  if (value->size() > most)
    refuse_field(name(key), "found ", value->size(), " texts, wanted at most ", most);
  std::vector<std::string> texts;
  for (const base::Json& each : *value) {
    if (!each.is_string())
      refuse_field(name(key), "holds ", kind_of(each), ", wanted a list of texts");
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

}  // namespace visavis::server
