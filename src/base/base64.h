// Base64 as in RFC 4648 with padding, for data URLs.
#pragma once

#include <string>
#include <string_view>

namespace visavis::base {

std::string base64(std::string_view bytes);

}  // namespace visavis::base
