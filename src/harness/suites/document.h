// A parsed YAML or JSON document as a tree that knows its lines, and typed access whose errors name
// the file, the line and the known keys. Not a general YAML library: one document, no anchors, no
// aliases, bounded size and depth, because the files are hostile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::suites {

struct Entry;

struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;  // as written; numbers and booleans are converted on access
  std::vector<Node> items;
  std::vector<Entry> entries;  // in the order of the file, keys unique
  int line = 0;                // counted from 1
};

struct Entry {
  std::string key;
  Node value;
};

/// Parses one YAML document. `name` is how errors call it. Throws Error for syntax errors, anchors,
/// aliases, tags, duplicate keys, more than 4 MiB, 200,000 nodes or a depth of 64.
Node parse_yaml(std::string_view text, const std::string& name);
Node read_yaml(const std::filesystem::path& path);

/// Parses one JSON value that stands on line `line` of `name` (a line of a JSONL file); the whole
/// tree gets that line. Throws Error for syntax errors, duplicate keys or a depth beyond 64.
Node parse_json_line(std::string_view text, const std::string& name, int line);

/// The fields of one map. Every getter throws Error "file:line: ..." when a value has the wrong
/// type; constructing it throws for a key that is not known. Borrows the node and the name.
class Fields {
 public:
  /// `what` is the kind of thing in words, e.g. "provider".
  Fields(const Node& node, const std::string& file, std::string_view what,
         std::initializer_list<const char*> known);

  /// The value, or null if the key is absent or null.
  const Node* find(std::string_view key) const;
  const Node& require(std::string_view key) const;

  /// A scalar as text; `fallback` if absent.
  std::string text(std::string_view key, std::string_view fallback = {}) const;
  /// A scalar that must be present and not empty.
  std::string required_text(std::string_view key) const;
  /// A scalar or a list of scalars; empty if absent.
  std::vector<std::string> texts(std::string_view key) const;
  int64_t integer(std::string_view key, int64_t fallback, int64_t low, int64_t high) const;
  double number(std::string_view key, double fallback, double low, double high) const;
  bool boolean(std::string_view key, bool fallback) const;

  /// Throws Error "file:line: <message>".
  [[noreturn]] void fail_at(const Node& node, const std::string& message) const;
  const Node& node() const { return node_; }
  const std::string& file() const { return file_; }

 private:
  const Node& scalar_at(std::string_view key, const Node& node) const;
  const Node& node_;
  const std::string& file_;
  std::string what_;
};

/// Throws Error "file:line: <message>".
[[noreturn]] void fail_at(const std::string& file, int line, const std::string& message);

/// "a duration such as 90s, 30m or 2h", in seconds; a bare number is seconds. Throws Error that
/// starts with `name`.
double parse_duration(std::string_view text, const std::string& name);

}  // namespace visavis::suites
