// Typed access to config.json and its relatives: a value is required or has a default, is checked
// for type and range, and every complaint names file, key, found and wanted. A key whose value is
// null counts as absent, as in transformers. Not for tokenizer.json (megabytes: simdjson).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace visavis::checkpoint {

/// A size in a model (layers, heads, widths): positive, and small enough that products of three fit
/// 64 bits.
inline constexpr int64_t kMaxDimension = 1 << 20;

class ConfigReader {
 public:
  /// `file` is how errors call it. The document must be an object. Throws Error.
  ConfigReader(base::Json document, std::string file);
  /// Reads and parses the file. Throws Error.
  static ConfigReader open(const std::filesystem::path& path);

  /// Keys may be paths: "text_config.hidden_size".
  bool has(std::string_view key) const;

  int64_t require_int(std::string_view key, int64_t least = 1, int64_t most = kMaxDimension) const;
  int64_t int_or(std::string_view key, int64_t absent, int64_t least = 1,
                 int64_t most = kMaxDimension) const;
  double require_number(std::string_view key, double least, double most) const;
  double number_or(std::string_view key, double absent, double least, double most) const;
  bool bool_or(std::string_view key, bool absent) const;
  std::string require_string(std::string_view key) const;
  std::string string_or(std::string_view key, std::string_view absent) const;

  /// Lists of at most 4096 values; an absent list is empty. A single value counts as a list of one.
  std::vector<int64_t> ints(std::string_view key, int64_t least = 0,
                            int64_t most = kMaxDimension) const;
  std::vector<double> numbers(std::string_view key) const;
  std::vector<std::string> strings(std::string_view key) const;

  /// The object below a key, empty if absent; its errors still tell the full path.
  ConfigReader section(std::string_view key) const;

  /// Throws Error "file: key 'k' is <found>, wanted <wanted>".
  [[noreturn]] void reject(std::string_view key, std::string_view wanted) const;

  const base::Json& json() const { return document_; }
  const std::string& file() const { return file_; }

 private:
  /// Null if absent or null.
  const base::Json* find(std::string_view key) const;
  const base::Json& at(std::string_view key, std::string_view wanted) const;
  int64_t to_int(const base::Json& value, std::string_view key, int64_t least, int64_t most) const;
  double to_number(const base::Json& value, std::string_view key, double least, double most) const;

  base::Json document_;
  std::string file_;
  std::string prefix_;  // "text_config." inside a section
};

}  // namespace visavis::checkpoint
