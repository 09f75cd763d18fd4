#include "engine/checkpoint/config_reader.h"

#include <cmath>

namespace visavis::checkpoint {
namespace {

constexpr size_t kMaxList = 4096;
constexpr size_t kMaxQuoted = 80;

std::string quoted(const base::Json* value) {
  if (value == nullptr) return "absent";
  std::string text = base::dump_json(*value);
  if (text.size() > kMaxQuoted) text = text.substr(0, kMaxQuoted) + "...";
  return text;
}

}  // namespace

ConfigReader::ConfigReader(base::Json document, std::string file)
    : document_(std::move(document)), file_(std::move(file)) {
  require(document_.is_object(), file_, ": found ", document_.type_name(), ", wanted an object");
}

ConfigReader ConfigReader::open(const std::filesystem::path& path) {
  return {base::read_json(path), path.string()};
}

const base::Json* ConfigReader::find(std::string_view key) const {
  const base::Json* node = &document_;
  while (true) {
    const size_t dot = key.find('.');
    if (!node->is_object()) return nullptr;
    const auto at = node->find(std::string(key.substr(0, dot)));
    if (at == node->end() || at->is_null()) return nullptr;
    node = &*at;
    if (dot == std::string_view::npos) return node;
    key.remove_prefix(dot + 1);
  }
}

void ConfigReader::reject(std::string_view key, std::string_view wanted) const {
  fail(file_, ": key '", prefix_, key, "' is ", quoted(find(key)), ", wanted ", wanted);
}

const base::Json& ConfigReader::at(std::string_view key, std::string_view wanted) const {
  const base::Json* value = find(key);
  if (value == nullptr) reject(key, wanted);
  return *value;
}

bool ConfigReader::has(std::string_view key) const { return find(key) != nullptr; }

int64_t ConfigReader::to_int(const base::Json& value, std::string_view key, int64_t least,
                             int64_t most) const {
  const std::string wanted =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  int64_t number = 0;
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    reject(key, wanted);
  if (value.is_number_integer()) {
    number = value.get<int64_t>();
  } else if (value.is_number_float() && std::abs(value.get<double>()) < 0x1p53 &&
             std::trunc(value.get<double>()) == value.get<double>()) {
    number = static_cast<int64_t>(value.get<double>());
  } else {
    reject(key, wanted);
  }
  if (number < least || number > most) reject(key, wanted);
  return number;
}

double ConfigReader::to_number(const base::Json& value, std::string_view key, double least,
                               double most) const {
  if (!value.is_number() || !(value.get<double>() >= least) || !(value.get<double>() <= most)) {
    std::ostringstream wanted;
    wanted << "a number from " << least << " to " << most;
    reject(key, wanted.str());
  }
  return value.get<double>();
}

int64_t ConfigReader::require_int(std::string_view key, int64_t least, int64_t most) const {
  return to_int(at(key, "a whole number"), key, least, most);
}

int64_t ConfigReader::int_or(std::string_view key, int64_t absent, int64_t least,
                             int64_t most) const {
  const base::Json* value = find(key);
  return value == nullptr ? absent : to_int(*value, key, least, most);
}

double ConfigReader::require_number(std::string_view key, double least, double most) const {
  return to_number(at(key, "a number"), key, least, most);
}

double ConfigReader::number_or(std::string_view key, double absent, double least,
                               double most) const {
  const base::Json* value = find(key);
  return value == nullptr ? absent : to_number(*value, key, least, most);
}

bool ConfigReader::bool_or(std::string_view key, bool absent) const {
  const base::Json* value = find(key);
  if (value == nullptr) return absent;
  if (!value->is_boolean()) reject(key, "true or false");
  return value->get<bool>();
}

std::string ConfigReader::require_string(std::string_view key) const {
  const base::Json& value = at(key, "a string");
  if (!value.is_string()) reject(key, "a string");
  return value.get<std::string>();
}

std::string ConfigReader::string_or(std::string_view key, std::string_view absent) const {
  return has(key) ? require_string(key) : std::string(absent);
}

std::vector<int64_t> ConfigReader::ints(std::string_view key, int64_t least, int64_t most) const {
  const base::Json* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_array()) return {to_int(*value, key, least, most)};
  if (value->size() > kMaxList) reject(key, "at most 4096 values");
  std::vector<int64_t> list;
  for (const base::Json& each : *value) list.push_back(to_int(each, key, least, most));
  return list;
}

std::vector<double> ConfigReader::numbers(std::string_view key) const {
  const base::Json* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_array()) return {to_number(*value, key, -1e300, 1e300)};
  if (value->size() > kMaxList) reject(key, "at most 4096 values");
  std::vector<double> list;
  for (const base::Json& each : *value) list.push_back(to_number(each, key, -1e300, 1e300));
  return list;
}

std::vector<std::string> ConfigReader::strings(std::string_view key) const {
  const base::Json* value = find(key);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array() || value->size() > kMaxList) reject(key, "a list of at most 4096 strings");
  std::vector<std::string> list;
  for (const base::Json& each : *value) {
    if (!each.is_string()) reject(key, "a list of strings");
    list.push_back(each.get<std::string>());
  }
  return list;
}

ConfigReader ConfigReader::section(std::string_view key) const {
  const base::Json* value = find(key);
  if (value != nullptr && !value->is_object()) reject(key, "an object");
  ConfigReader below(value == nullptr ? base::Json::object() : *value, file_);
  below.prefix_ = prefix_ + std::string(key) + ".";
  return below;
}

}  // namespace visavis::checkpoint
