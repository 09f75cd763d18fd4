#include "machine/cards.h"

#include <gtest/gtest.h>

#include <string>

namespace visavis::machine {
namespace {

TEST(Cards, AddUpReadingAndEveryFormatsOperations) {
  const Rates rates = {.bytes_per_second = 10,
                       .f32_ops_per_second = 4,
                       .int8_ops_per_second = 20,
                       .bf16_ops_per_second = 8};
  EXPECT_DOUBLE_EQ(
      estimated_seconds({.bytes = 10, .int8_ops = 40, .bf16_ops = 8, .f32_ops = 2}, rates),
      1 + 2 + 1 + 0.5);
}

TEST(Cards, WithoutA16BitRateTakeThatOfF32) {
  EXPECT_DOUBLE_EQ(
      estimated_seconds({.bf16_ops = 8}, {.bytes_per_second = 1, .f32_ops_per_second = 4}), 2);
}

TEST(Cards, AreFoundAsWordsOfADevicesName) {
  ASSERT_NE(card_named_in("Tesla T4"), nullptr);
  EXPECT_EQ(card_named_in("Tesla T4")->name, "T4");
  EXPECT_EQ(card_named_in("cuda:0 (NVIDIA L4, sm_89)")->name, "L4");
  EXPECT_EQ(card_named_in("NVIDIA L40S"), nullptr);
  EXPECT_EQ(card_named_in("cpu (avx512_vnni, 2 threads)"), nullptr);
  for (const Card& card : known_cards()) EXPECT_FALSE(std::string(card.source).empty());
}

}  // namespace
}  // namespace visavis::machine
