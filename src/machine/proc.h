// Reading the kernel's "key: value" text files (/proc/cpuinfo, meminfo, self/status).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visavis::machine {

/// The whole file, or nothing if it cannot be read.
std::optional<std::string> read_proc(const char* path);

/// The trimmed text after the first line "key:" (tabs and blanks around the key are ignored).
std::optional<std::string_view> field(std::string_view text, std::string_view key);

/// "123 kB" or "123" as bytes.
std::optional<int64_t> bytes_of(std::string_view value);

}  // namespace visavis::machine
