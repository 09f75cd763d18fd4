#include "server/access.h"

#include <gtest/gtest.h>

#include "server/routes.h"

namespace visavis::server {
namespace {

TEST(Access, WantsTheWholeKey) {
  const AccessRules rules{.api_key = "secret"};
  EXPECT_TRUE(has_key(rules, "Bearer secret"));
  EXPECT_TRUE(has_key(rules, "bearer secret"));
  for (const char* const wrong : {"", "Bearer ", "Bearer", "secret", "Bearer secre",
                                  "Bearer secrett", "Bearer Secret", "Basic secret"})
    EXPECT_FALSE(has_key(rules, wrong)) << wrong;
}

TEST(Access, AnswersToItsOwnNamesOnly) {
  const AccessRules rules{.hosts = {"localhost", "127.0.0.1", "::1"}};
  for (const char* const ours : {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:80"})
    EXPECT_TRUE(is_our_host(rules, ours)) << ours;
  for (const char* const other : {"", "evil.example", "localhost.evil.example:80", "127.0.0.2"})
    EXPECT_FALSE(is_our_host(rules, other)) << other;
  EXPECT_TRUE(is_our_host({}, "anything"));
}

TEST(Access, LetsPagesOfOtherOriginsInOnlyByName) {
  const AccessRules rules{.origins = {"http://friend.example:3000"}};
  EXPECT_TRUE(is_origin_allowed(rules, "", "localhost:8080"));
  EXPECT_TRUE(is_origin_allowed(rules, "http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE(is_origin_allowed(rules, "http://friend.example:3000", "localhost:8080"));
  for (const char* const other :
       {"http://evil.example", "null", "http://localhost:8081", "http://friend.example"})
    EXPECT_FALSE(is_origin_allowed(rules, other, "localhost:8080")) << other;
  EXPECT_EQ(cors_origin(rules, "http://friend.example:3000"), "http://friend.example:3000");
  EXPECT_FALSE(cors_origin(rules, "http://localhost:8080"));
}

TEST(Routes, MatchWholePathsAndPlainNames) {
  EXPECT_NE(match_route("GET", "/v1/models").route, nullptr);
  EXPECT_NE(match_route("HEAD", "/health").route, nullptr);
  EXPECT_EQ(match_route("GET", "/v1/models/demo-llava").parts.at("name"), "demo-llava");
  EXPECT_EQ(match_route("GET", "/v1/models/org/name").parts.at("name"), "org/name");
  EXPECT_EQ(match_route("GET", "/v1/models/org%2Fa%20b").parts.at("name"), "org/a b");
  EXPECT_EQ(match_route("GET", "/api/runs/a").parts.at("id"), "a");
  for (const char* const path :
       {"", "/v1/models/", "/v1/models/a%2", "/v1/models/%g0", "//v1/models", "/api/runs/..",
        "/api/runs/a/b", "/api/runs/%2e%2e", "/api/runs/a%2fb", "/api/runs/a\\b"})
    EXPECT_EQ(match_route("GET", path).route, nullptr) << path;
  const Match wrong = match_route("GET", "/v1/chat/completions");
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.allow, "POST");
}

TEST(Routes, HaveOneRowEach) {
  for (const Route& row : routes()) {
    int same = 0;
    for (const Route& other : routes())
      if (std::string(row.method) == other.method && std::string(row.pattern) == other.pattern)
        ++same;
    EXPECT_EQ(same, 1) << row.method << " " << row.pattern;
  }
}

}  // namespace
}  // namespace visavis::server
