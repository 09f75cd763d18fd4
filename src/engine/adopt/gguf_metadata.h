// Typed reads of a GGUF file's metadata, with errors that name the file and the key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/adopt/gguf_files.h"

namespace visavis::adopt {

/// Null if the key is absent; throws if it is of another kind.
template <class T>
const T* find(const GgufFile& file, const std::string& key, const char* wanted) {
  if (!file.header.metadata.contains(key)) return nullptr;
  const T* value = file.header.find<T>(key);
  require(value != nullptr, file.name, ": metadata key '", key, "' is no ", wanted);
  return value;
}

inline std::optional<int64_t> whole(const GgufFile& file, const std::string& key) {
  const auto* value = find<int64_t>(file, key, "whole number");
  return value == nullptr ? std::nullopt : std::optional(*value);
}

inline int64_t require_whole(const GgufFile& file, const std::string& key) {
  const auto value = whole(file, key);
  require(value.has_value(), file.name, ": has no metadata key '", key, "'");
  return *value;
}

inline std::string text_or(const GgufFile& file, const std::string& key, const char* absent) {
  const auto* value = find<std::string>(file, key, "text");
  return value == nullptr ? absent : *value;
}

inline bool flag(const GgufFile& file, const std::string& key, bool absent) {
  const auto* value = find<bool>(file, key, "flag");
  return value == nullptr ? absent : *value;
}

/// A number that the file keeps in 32 bits, as short as it can be written: 1e-06, not
/// 9.999999974752427e-07.
double short_number(double value);

/// As short_number(); throws Error if the key is absent.
double require_number(const GgufFile& file, const std::string& key);

/// Null if no such tensor is there.
const checkpoint::GgufTensor* find_tensor(const GgufFile& file, const std::string& name);

}  // namespace visavis::adopt
