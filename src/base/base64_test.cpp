#include "base/base64.h"

#include <gtest/gtest.h>

namespace visavis::base {
namespace {

TEST(Base64, EqualsTheStandardsExamples) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

TEST(FromBase64, UndoesBase64) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(from_base64(base64(bytes)), bytes) << i;
    bytes.push_back(static_cast<char>(i * 7));
  }
  EXPECT_EQ(from_base64("Zg"), "f");  // without padding
}

TEST(FromBase64, RefusesWhatIsNone) {
  for (const char* text : {"Z", "Zg=", "Zm9v=", "Zm 9v", "Zm9v\n", "Z===", "Zm9_", "=Zg="})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace visavis::base
