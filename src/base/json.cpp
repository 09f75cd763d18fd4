#include "base/json.h"

#include <algorithm>

#include "base/error.h"
#include "base/files.h"

namespace visavis::base {
namespace {

constexpr int kMaxDepth = 200;  // nlohmann's recursive destructor would overflow the stack beyond

int depth_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view name) {
  const int depth = depth_of(text);
  require(depth <= kMaxDepth, name, ": JSON is nested ", depth, " deep, wanted at most ",
          kMaxDepth);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    fail(name, ": not valid JSON at byte ", error.byte);
  } catch (const Json::exception& error) {
    fail(name, ": not valid JSON: ", error.what());
  }
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path, int64_t{64} << 20), path.string());
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace visavis::base
