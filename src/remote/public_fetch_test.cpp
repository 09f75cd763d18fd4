#include "remote/public_fetch.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

#include "base/error.h"
#include "http/test_server.h"

namespace visavis::remote {
namespace {

using http::ServedRequest;
using http::TestServer;
using http::Wire;

using ::testing::HasSubstr;

bool is_public(const std::string& text) {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (text.find(':') == std::string::npos) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &v4->sin_addr), 1) << text;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr), 1) << text;
  }
  return is_public_address(*address);
}

// Tests reach themselves: 127.0.0.1 counts as public here, the rest of loopback does not.
bool is_here(const sockaddr& address) {
  if (address.sa_family != AF_INET) return false;
  sockaddr_in v4{};
  std::memcpy(&v4, &address, sizeof v4);
  return ntohl(v4.sin_addr.s_addr) == INADDR_LOOPBACK;
}

std::string error_of(const std::string& url, FetchRules rules = {}) {
  try {
    fetch_public(url, rules);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(PublicFetch, KnowsPublicAddresses) {
  for (const char* const text : {"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1",
                                 "223.255.255.1", "2606:4700::1111", "2a00:1450::1"})
    EXPECT_TRUE(is_public(text)) << text;
  for (const char* const text : {"0.0.0.0",
                                 "10.1.2.3",
                                 "100.64.0.1",
                                 "127.0.0.1",
                                 "127.255.0.1",
                                 "169.254.169.254",
                                 "172.16.0.1",
                                 "172.31.255.255",
                                 "192.168.1.1",
                                 "192.0.0.1",
                                 "192.0.2.1",
                                 "198.18.0.1",
                                 "198.51.100.1",
                                 "203.0.113.1",
                                 "224.0.0.1",
                                 "255.255.255.255",
                                 "::",
                                 "::1",
                                 "::ffff:8.8.8.8",
                                 "::ffff:127.0.0.1",
                                 "fe80::1",
                                 "fc00::1",
                                 "fd12::1",
                                 "ff02::1",
                                 "64:ff9b::808:808",
                                 "2001:db8::1",
                                 "2001::1",
                                 "2002:7f00:1::",
                                 "::127.0.0.1"})
    EXPECT_FALSE(is_public(text)) << text;
}

TEST(PublicFetch, RefusesThisMachineInEverySpelling) {
  TestServer server(
      [](const ServedRequest&, Wire wire) { wire.reply(200, "image/png", "secret"); });
  const std::string port = server.url().substr(17, server.url().find('/', 17) - 17);
  for (const char* const host :
       {"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "0.0.0.0",
        "[::ffff:127.0.0.1]", "169.254.169.254", "127.0.0.1."})
    EXPECT_NE(error_of("http://" + std::string(host) + ":" + port + "/x.png"), "no error") << host;
  EXPECT_TRUE(server.requests().empty());
}

TEST(PublicFetch, RefusesOtherSchemesAndNames) {
  EXPECT_THAT(error_of("file:///etc/passwd"), HasSubstr("wanted http: or https:"));
  EXPECT_THAT(error_of("gopher://example.org/"), HasSubstr("wanted http"));
  EXPECT_THAT(error_of("http://user:word@example.org/"), HasSubstr("user's name"));
  EXPECT_NE(error_of("http://"), "no error");
}

TEST(PublicFetch, GivesTheBytesOfAnAllowedPlace) {
  TestServer server([](const ServedRequest&, Wire wire) { wire.reply(200, "image/png", "bytes"); });
  EXPECT_EQ(fetch_public(server.url(), {.allowed = &is_here}), "bytes");
  EXPECT_THAT(error_of(server.url(), {.max_bytes = 4, .allowed = &is_here}), HasSubstr("larger"));
}

TEST(PublicFetch, ChecksEveryRedirectionAnew) {
  std::string target;
  TestServer server([&](const ServedRequest& request, Wire wire) {
    if (request.head.starts_with("GET /end"))
      wire.reply(200, "image/png", "end");
    else
      wire.reply(302, "text/plain", "", "Location: " + target + "\r\n");
  });
  const std::string root = server.url().substr(0, server.url().size() - 3);
  target = "/end";
  EXPECT_EQ(fetch_public(root + "/begin", {.allowed = &is_here}), "end");
  target = "http://127.0.0.2:" + root.substr(17) + "/end";
  EXPECT_THAT(error_of(root + "/begin", {.allowed = &is_here}), HasSubstr("not a public address"));
  target = "file:///etc/passwd";
  EXPECT_NE(error_of(root + "/begin", {.allowed = &is_here}), "no error");
  target = "/begin";
  EXPECT_THAT(error_of(root + "/begin", {.allowed = &is_here}), HasSubstr("redirections"));
}

TEST(PublicFetch, GivesUpInTimeAndSaysWhatTheServerSaid) {
  TestServer slow([](const ServedRequest& request, Wire wire) {
    if (request.head.starts_with("GET /slow"))
      wire.pause(1);
    else
      wire.reply(404, "text/plain", "");
  });
  const std::string root = slow.url().substr(0, slow.url().size() - 3);
  EXPECT_NE(error_of(root + "/slow", {.seconds = 0.2, .allowed = &is_here}), "no error");
  EXPECT_THAT(error_of(root + "/none", {.allowed = &is_here}), HasSubstr("status 404"));
}

}  // namespace
}  // namespace visavis::remote
