#include "harness/cost/prices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace visavis::cost {
namespace {

using testing::HasSubstr;

constexpr const char* kHead = "card,provider,currency,price_per_hour,date,source\n";

std::string refusal(const std::string& rows) {
  try {
    parse_prices(kHead + rows, "p.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Prices, AreReadWithQuotesCommentsAndColumnsInAnyOrder) {
  const auto prices = parse_prices(
      "# mine\r\nsource,card,provider,currency,date,price_per_hour\r\n"
      "\"bill, \"\"May\"\"\",T4,here,CNY,2026-05-01,1.25\r\n\r\n",
      "p.csv");
  ASSERT_EQ(prices.size(), 1u);
  EXPECT_EQ(prices[0], (Price{"T4", "here", "CNY", 1.25, "2026-05-01", "bill, \"May\""}));
}

TEST(Prices, BadRowsAreRefusedWithTheirLine) {
  EXPECT_THAT(refusal("T4,a,CNY,free,2026-01-01,s"), HasSubstr("p.csv:2: 'price_per_hour'"));
  EXPECT_THAT(refusal("T4,a,CNY,0,2026-01-01,s"), HasSubstr("above 0"));
  EXPECT_THAT(refusal("T4,a,CNY,nan,2026-01-01,s"), HasSubstr("above 0"));
  EXPECT_THAT(refusal("T4,a,CNY,1,today,s"), HasSubstr("YYYY-MM-DD"));
  EXPECT_THAT(refusal("T4,a,CNY,1,2026-01-01"), HasSubstr("found 5 fields, wanted 6"));
  EXPECT_THAT(refusal("T4,a,CNY,1,2026-01-01,"), HasSubstr("'source' is empty"));
  EXPECT_THAT(refusal("T4,a,CNY,1,2026-01-01,\"s"), HasSubstr("does not end"));
  EXPECT_THAT(refusal("T4,a,CNY,1,2026-01-01,s\nT4,a,CNY,2,2026-01-01,s"),
              HasSubstr("p.csv:3: 'T4@a' is there already"));
  EXPECT_THAT(refusal(""), HasSubstr("no price"));
  EXPECT_THROW(parse_prices("card,price\n", "p.csv"), Error);
}

TEST(Prices, AreNamedByCardAndByProviderWhereThereAreSeveral) {
  const auto prices = parse_prices(std::string(kHead) +
                                       "T4,a,CNY,1,2026-01-01,s\nT4,b,CNY,2,2026-01-01,s\n"
                                       "L4,a,USD,3,2026-01-01,s\n",
                                   "p.csv");
  EXPECT_EQ(price_named(prices, "L4").per_hour, 3);
  EXPECT_EQ(price_named(prices, "T4@b").per_hour, 2);
  EXPECT_THROW(price_named(prices, "T4"), Error);
  try {
    price_named(prices, "A10");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("T4@a, T4@b, L4@a"));
  }
}

TEST(Prices, TheTableThatComesWithVisavisSaysThatItHoldsExamples) {
  for (const Price& price :
       read_prices(std::filesystem::path(VISAVIS_SOURCE_DIR) / "prices/cards.csv"))
    EXPECT_THAT(price.source, HasSubstr("EXAMPLE")) << price.card;
}

}  // namespace
}  // namespace visavis::cost
