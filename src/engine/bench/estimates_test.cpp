#include "engine/bench/estimates.h"

#include <gtest/gtest.h>

namespace visavis::bench {
namespace {

Report one_case() {
  Report report;
  report.ceilings = {.bytes_per_second = 100,
                     .flops_per_second = 10,
                     .int8_ops_per_second = 40,
                     .bf16_flops_per_second = 20,
                     .int8_instruction = ""};
  report.cases.push_back({.part = "generation",
                          .batch = 2,
                          .tokens = 3,
                          .work = {.weight_bytes = 100, .kv_bytes = 100, .int8_ops = 40},
                          .seconds = {4, 6, 5}});
  return report;
}

TEST(Estimates, AddReadingAndMultiplying) {
  const Report report = one_case();
  EXPECT_DOUBLE_EQ(machine::estimated_seconds(plain(report.cases[0].work), plain(report.ceilings)),
                   2 + 1);
}

TEST(Estimates, SayHowFarTheFormulaIsOffHere) {
  const base::Json json = estimates_json(one_case());
  EXPECT_DOUBLE_EQ(json["error_here"]["generation"].get<double>(), 3.0 / 5 - 1);
  EXPECT_FALSE(json["error_here"].contains("vision"));
}

TEST(Estimates, CoverEveryMeasuredCaseAndCard) {
  Report report = one_case();
  report.cases.push_back({.part = "vision", .left_out = "too long"});
  const base::Json json = estimates_json(report);
  ASSERT_EQ(json["cards"].size(), machine::known_cards().size());
  for (const base::Json& card : json["cards"]) {
    ASSERT_EQ(card["cases"].size(), 1U);
    const double seconds = card["cases"][0]["s"].get<double>();
    EXPECT_GT(seconds, 0);
    EXPECT_DOUBLE_EQ(card["cases"][0]["tok_per_s"].get<double>(), 2 * 3 / seconds);
  }
}

}  // namespace
}  // namespace visavis::bench
