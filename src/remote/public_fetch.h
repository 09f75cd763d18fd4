// Fetches a small file from the public internet on behalf of somebody who may not be trusted: no
// address of this machine or a private network is ever connected to, whatever names, numbers,
// redirections or changing name servers lead there.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace visavis::remote {

/// Whether everybody on the internet reaches the same place there: not loopback, private (RFC 1918,
/// shared, unique local), link-local, documentation, multicast or reserved, nor IPv4 inside IPv6.
bool is_public_address(const sockaddr& address);

struct FetchRules {
  int64_t max_bytes = 20'000'000;
  double seconds = 10;  // for everything, redirections included
  int redirections = 3;
  bool (*allowed)(const sockaddr& address) = &is_public_address;
};

/// The bytes behind an http or https URL. The name is resolved first, every address that it has
/// must be allowed, and only those are connected to; each redirection is checked anew. Blocks.
/// Throws Error with one line.
std::string fetch_public(const std::string& url, const FetchRules& rules);

}  // namespace visavis::remote
