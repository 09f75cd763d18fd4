#include "base/text.h"

#include <gtest/gtest.h>

namespace visavis::base {
namespace {

TEST(Utf8, StreamNeverSplitsACharacter) {
  const std::string text = "a\u4e2d\U0001F600";
  EXPECT_EQ(complete_utf8_prefix(text.substr(0, 1)), 1u);
  EXPECT_EQ(complete_utf8_prefix(text.substr(0, 2)), 1u);
  EXPECT_EQ(complete_utf8_prefix(text.substr(0, 3)), 1u);
  EXPECT_EQ(complete_utf8_prefix(text.substr(0, 4)), 4u);
  EXPECT_EQ(complete_utf8_prefix(text.substr(0, 7)), 4u);
  EXPECT_EQ(complete_utf8_prefix(text), 8u);
}

TEST(Utf8, BytesThatCanNeverBecomeValidDoNotHoldTheStream) {
  EXPECT_EQ(complete_utf8_prefix("a\xff"), 2u);
  EXPECT_EQ(complete_utf8_prefix("\x80\x80\x80\x80"), 4u);
}

TEST(Utf8, IllFormedPartsBecomeOneReplacementEach) {
  EXPECT_EQ(valid_utf8("a\xe4\xb8z"), "a\uFFFDz");
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(valid_utf8("\xf0\x9f\x98\x80"), "\U0001F600");
}

TEST(Utf8, CodePointsRoundTrip) {
  const std::string text = "\u6625\u8282 e\u0301 \U0001F9E7";
  EXPECT_EQ(to_utf8(to_code_points(text)), text);
  EXPECT_EQ(count_code_points(text), 7);
}

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string>{"a", "", "b", ""}));
}

TEST(Text, ReplaceAllDoesNotRescanWhatItWrote) {
  EXPECT_EQ(replace_all("aaa", "a", "aa"), "aaaaaa");
}

}  // namespace
}  // namespace visavis::base
