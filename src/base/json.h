// JSON for small documents: configurations, results, records. Files of many megabytes
// (tokenizer.json, safetensors headers) are read with simdjson where they are used.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace visavis::base {

/// Keeps the order in which keys were written.
using Json = nlohmann::ordered_json;

/// Parses one document. `name` is how errors call it. Throws Error with the byte offset.
Json parse_json(std::string_view text, std::string_view name);

/// Reads and parses a file of at most 64 MiB.
Json read_json(const std::filesystem::path& path);

/// One line; bytes that are not UTF-8 are replaced, never thrown on.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace visavis::base
