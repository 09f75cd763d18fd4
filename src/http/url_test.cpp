#include "http/url.h"

#include <gtest/gtest.h>

namespace visavis::http {
namespace {

TEST(Origin, IsSchemeHostAndPort) {
  EXPECT_EQ(origin_of("https://Hub.Example/a?b"), "https://hub.example:443");
  EXPECT_EQ(origin_of("http://hub.example:8080/"), "http://hub.example:8080");
  EXPECT_NE(origin_of("http://hub.example/"), origin_of("https://hub.example/"));
  EXPECT_NE(origin_of("https://hub.example/"), origin_of("https://hub.example.evil/"));
  for (const char* bad :
       {"", "hub", "ftp://hub.example/", "https://hub.example@evil/", "file:///x"})
    EXPECT_EQ(origin_of(bad), "") << bad;
}

TEST(ResolveUrl, FollowsReferences) {
  const std::string base = "https://hub.example/org/name/resolve/main/file";
  EXPECT_EQ(resolve_url(base, "/api/x?y=1"), "https://hub.example/api/x?y=1");
  EXPECT_EQ(resolve_url(base, "https://cdn.example/z"), "https://cdn.example/z");
  EXPECT_EQ(resolve_url(base, "//cdn.example/z"), "https://cdn.example/z");
  EXPECT_EQ(resolve_url(base, "file:///etc/passwd"), "");
}

TEST(EscapeUrl, KeepsSlashesOnlyWhereAsked) {
  EXPECT_EQ(escape_url("a b/ü?#%.json", true), "a%20b/%C3%BC%3F%23%25.json");
  EXPECT_EQ(escape_url("a/b", false), "a%2Fb");
}

}  // namespace
}  // namespace visavis::http
