#include "remote/public_fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace visavis::remote {
namespace {

struct Block {
  uint32_t first;
  int bits;
};

// IANA's special-purpose registry, multicast and the reserved rest.
constexpr Block kNotPublic[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
    {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4}};

bool is_public_v4(uint32_t address) {
  for (const Block& block : kNotPublic)
    if ((address >> (32 - block.bits)) == (block.first >> (32 - block.bits))) return false;
  return true;
}

// Only 2000::/3 is given out. Of it, 2001::/23 (Teredo and others), 2001:db8::/32 and 6to4, which
// holds an IPv4 address, are not.
bool is_public_v6(std::span<const uint8_t, 16> bytes) {
  if ((bytes[0] & 0xe0) != 0x20) return false;
  const bool protocols = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02;
  const bool documentation =
      bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8;
  const bool newer_documentation = bytes[0] == 0x3f && bytes[1] == 0xff && bytes[2] < 0x10;
  const bool six_to_four = bytes[0] == 0x20 && bytes[1] == 0x02;
  return !protocols && !documentation && !newer_documentation && !six_to_four;
}

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct AddressDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string result(text);
  curl_free(text);
  return result;
}

// "HOST:PORT:ADDRESS,ADDRESS" for CURLOPT_RESOLVE. Throws Error unless all of them are allowed.
std::string pin(const std::string& host, const std::string& port, const FetchRules& rules) {
  std::string name = host;
  if (name.starts_with('[')) name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(name.c_str(), port.c_str(), &hints, &list);
  require(failed == 0, "the host '", host, "' is not known: ", gai_strerror(failed));
  const std::unique_ptr<addrinfo, AddressDeleter> owner(list);
  std::vector<std::string> addresses;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    require(rules.allowed(*each->ai_addr), "the host '", host,
            "' is not a public address, and only those are fetched from");
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (each->ai_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(each->ai_addr);
      inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
      addresses.emplace_back(text.data());
    } else {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(each->ai_addr);
      inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
      addresses.push_back("[" + std::string(text.data()) + "]");
    }
  }
  require(!addresses.empty(), "the host '", host, "' has no address");
  return host + ":" + port + ":" + base::join(addresses, ",");
}

struct Transfer {
  const FetchRules& rules;
  std::string bytes;
  bool too_large = false;
};

size_t on_bytes(char* bytes, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.bytes.size() + size * count > static_cast<size_t>(transfer.rules.max_bytes)) {
    transfer.too_large = true;
    return 0;
  }
  transfer.bytes.append(bytes, size * count);
  return size * count;
}

// The last word: whatever was resolved, this is what will be connected to.
curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  const auto& transfer = *static_cast<const Transfer*>(user);
  if (!transfer.rules.allowed(address->addr)) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

struct Step {
  std::string bytes;
  std::string next;  // where the reply sends on to; empty: here it is
};

Step fetch_step(const std::string& text, const FetchRules& rules, double seconds) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  require(url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK,
          "found no URL that can be read, wanted http(s)://host/path");
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  require(scheme == "http" || scheme == "https", "found a URL with '", scheme,
          ":', wanted http: or https:");
  require(part_of(url.get(), CURLUPART_USER).empty(), "the URL holds a user's name");
  const std::string host = part_of(url.get(), CURLUPART_HOST);
  const std::string port = part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const std::unique_ptr<curl_slist, ListDeleter> pinned(
      curl_slist_append(nullptr, pin(host, port, rules).c_str()));

  const std::unique_ptr<CURL, EasyDeleter> easy(curl_easy_init());
  require(easy && pinned, "no memory for a transfer");
  Transfer transfer{.rules = rules, .bytes = {}};
  std::array<char, CURL_ERROR_SIZE> why{};
  CURL* const handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_CURLU, url.get());
  curl_easy_setopt(handle, CURLOPT_RESOLVE, pinned.get());
  curl_easy_setopt(handle, CURLOPT_PROXY, "");  // a proxy would resolve the name itself
  curl_easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(seconds * 1000));
  curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(rules.max_bytes));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "visavis");
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_bytes);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &transfer);
  const CURLcode code = curl_easy_perform(handle);
  require(!transfer.too_large && code != CURLE_FILESIZE_EXCEEDED, "the file is larger than ",
          base::human_bytes(rules.max_bytes));
  require(code == CURLE_OK, "fetching from '", host,
          "' failed: ", why[0] != '\0' ? why.data() : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  char* next = nullptr;
  curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &next);
  if (status >= 300 && status < 400 && next != nullptr) return {.bytes = {}, .next = next};
  require(status == 200, "'", host, "' answered with status ", status, ", wanted 200");
  return {.bytes = std::move(transfer.bytes), .next = {}};
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return is_public_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  return is_public_v6(v6.sin6_addr.s6_addr);
}

std::string fetch_public(const std::string& url, const FetchRules& rules) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  require(ready == CURLE_OK, "libcurl cannot start");
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::string here = url;
  for (int i = 0; i <= rules.redirections; ++i) {
    const double left = rules.seconds - std::chrono::duration<double>(Clock::now() - begin).count();
    require(left > 0, "fetching took longer than ", rules.seconds, " s");
    Step step = fetch_step(here, rules, left);
    if (step.next.empty()) return std::move(step.bytes);
    here = step.next;
  }
  fail("more than ", rules.redirections, " redirections");
}

}  // namespace visavis::remote
