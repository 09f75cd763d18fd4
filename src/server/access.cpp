#include "server/access.h"

#include <algorithm>

#include "base/hash.h"

namespace visavis::server {
namespace {

// "[::1]:8080" -> "::1", "localhost:8080" -> "localhost".
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  const size_t colon = host.rfind(':');
  return colon == std::string_view::npos ? host : host.substr(0, colon);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

}  // namespace

bool has_key(const AccessRules& rules, std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() ||
      lower(authorization.substr(0, kScheme.size())) != kScheme)
    return false;
  // Digests are of one length and say nothing about how much of the key was right.
  const std::string given = base::sha256_hex(authorization.substr(kScheme.size()));
  const std::string wanted = base::sha256_hex(rules.api_key);
  unsigned difference = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(wanted[i]);
  return difference == 0;
}

bool is_our_host(const AccessRules& rules, std::string_view host) {
  if (rules.hosts.empty()) return true;
  const std::string name = lower(without_port(host));
  return std::find(rules.hosts.begin(), rules.hosts.end(), name) != rules.hosts.end();
}

bool is_origin_allowed(const AccessRules& rules, std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  if (cors_origin(rules, origin)) return true;
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme) && !host.empty() && origin.substr(scheme.size()) == host)
      return true;
  return false;
}

std::optional<std::string> cors_origin(const AccessRules& rules, std::string_view origin) {
  for (const std::string& allowed : rules.origins)
    if (allowed == origin) return allowed;
  return std::nullopt;
}

}  // namespace visavis::server
