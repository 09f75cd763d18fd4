// Who may ask: the key, the names under which this server may be called, and the pages of other
// origins. Pure functions of a request's head.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::server {

struct AccessRules {
  std::string api_key = {};             // empty: none is asked for
  std::vector<std::string> hosts = {};  // names that the header Host may hold; empty: any
  std::vector<std::string> origins =
      {};  // other origins whose pages may call ("http://10.0.0.5:3000")
};

/// Whether the header Authorization holds the key. Takes the same time wherever they differ.
bool has_key(const AccessRules& rules, std::string_view authorization);

/// Whether the header Host is one that this server answers to. A page of another site whose name
/// was bound to this machine's address (DNS rebinding) sends its own.
bool is_our_host(const AccessRules& rules, std::string_view host);

/// Whether a page may ask: one that this server sent, one of the allowed origins, or no page at all
/// (no Origin).
bool is_origin_allowed(const AccessRules& rules, std::string_view origin, std::string_view host);

/// The value of Access-Control-Allow-Origin: only for another origin that is allowed.
std::optional<std::string> cors_origin(const AccessRules& rules, std::string_view origin);

}  // namespace visavis::server
