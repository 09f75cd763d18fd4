#include "machine/gpu.h"

#include <gtest/gtest.h>

namespace visavis::machine {
namespace {

TEST(SameCard, ComparesBusIdsHoweverLongTheirDomainIsWritten) {
  EXPECT_TRUE(same_card("0000:8a:00.0", "00000000:8A:00.0"));
  EXPECT_TRUE(same_card("0001:00:05.0", "00000001:00:05.0"));
  EXPECT_FALSE(same_card("0000:8a:00.0", "00000001:8A:00.0"));
  EXPECT_FALSE(same_card("0000:05:00.0", "0000:06:00.0"));
  EXPECT_FALSE(same_card("", "0000:06:00.0"));
}

}  // namespace
}  // namespace visavis::machine
