#include "engine/text/tagged_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace visavis::text {
namespace {

using testing::ElementsAre;

TEST(TaggedText, JoinsRangesThatTouchAndKeepsTheOthersApart) {
  TaggedText text("ab");
  text.append(TaggedText::from_user("cd"));
  text.append(TaggedText::from_user("ef"));
  text.append("gh");
  text.append(TaggedText::from_user(""));
  text.append(TaggedText::from_user("i"));
  EXPECT_EQ(text.text(), "abcdefghi");
  EXPECT_THAT(text.user_ranges(), ElementsAre(ByteRange{2, 6}, ByteRange{8, 9}));
  EXPECT_FALSE(text.is_user(1));
  EXPECT_TRUE(text.is_user(2));
  EXPECT_TRUE(text.touches_user(0, 3));
  EXPECT_FALSE(text.touches_user(6, 8));
  EXPECT_FALSE(text.touches_user(2, 2));
}

TEST(TaggedText, SlicesKeepTheirTags) {
  TaggedText text("ab");
  text.append(TaggedText::from_user("cdef"));
  text.append("gh");
  const TaggedText middle = text.slice(1, 7);
  EXPECT_EQ(middle.text(), "bcdefg");
  EXPECT_THAT(middle.user_ranges(), ElementsAre(ByteRange{1, 5}));
  EXPECT_THAT(text.slice(3, 5).user_ranges(), ElementsAre(ByteRange{0, 2}));
  EXPECT_TRUE(text.slice(6, 99).user_ranges().empty());
  EXPECT_TRUE(text.slice(9, 3).empty());
}

TEST(TaggedText, ReplacesOnlyItsOwnPlaceholders) {
  TaggedText text("<image>");
  text.append(TaggedText::from_user("<image>"));
  text.append("<im");
  text.append(TaggedText::from_user("age>"));
  const TaggedText out = text.replace_own("<image>", "##");
  EXPECT_EQ(out.text(), "##<image><image>");
  EXPECT_THAT(out.user_ranges(), ElementsAre(ByteRange{2, 9}, ByteRange{12, 16}));
}

}  // namespace
}  // namespace visavis::text
