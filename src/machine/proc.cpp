#include "machine/proc.h"

#include <charconv>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace visavis::machine {

std::optional<std::string> read_proc(const char* path) {
  try {
    return base::read_file(path, int64_t{16} << 20);
  } catch (const Error&) {
    return std::nullopt;  // not Linux, or hidden from this process: the fact is just unknown
  }
}

std::optional<std::string_view> field(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && base::trim(line.substr(0, colon)) == key)
      return base::trim(line.substr(colon + 1));
  }
  return std::nullopt;
}

std::optional<int64_t> bytes_of(std::string_view value) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = base::trim(value.substr(static_cast<size_t>(end - value.data())));
  if (unit.empty()) return number;
  if (unit == "kB" && number <= INT64_MAX / 1024) return number * 1024;
  return std::nullopt;
}

}  // namespace visavis::machine
