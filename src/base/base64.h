// Base64 as in RFC 4648 with padding: for data URLs, and out of data sets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace visavis::base {

std::string base64(std::string_view bytes);

/// The bytes; padding may be missing. Nothing for other characters, white space included, or a
/// length that no bytes have.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace visavis::base
