// What following redirections by hand needs to know of URLs.
#pragma once

#include <string>
#include <string_view>

namespace visavis::http {

/// "scheme://host:port" in lower case with the port written out; "" unless it is an http or https
/// URL that names a host and no user.
std::string origin_of(const std::string& url);

/// Where a reference (a Location header) leads, seen from `base`; "" if that is no http or https
/// URL.
std::string resolve_url(const std::string& base, const std::string& reference);

/// Every byte that is not a letter, digit or one of "-._~" as %XX; slashes stay if `keep_slashes`.
std::string escape_url(std::string_view text, bool keep_slashes);

}  // namespace visavis::http
