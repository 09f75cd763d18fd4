#include "engine/load/weight_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace visavis::load {
namespace {

using tensor::DType;

std::string chosen(const WeightPolicy& policy, Role role, DType stored) {
  return layout_name(layout_for(policy, role, stored));
}

TEST(WeightPolicy, Int4MeansWhatTheDesignSays) {
  const WeightPolicy int4;
  for (const DType stored : {DType::bf16, DType::f16, DType::f32}) {
    EXPECT_EQ(chosen(int4, Role::decoder, stored), "int4 g128 sym");
    EXPECT_EQ(chosen(int4, Role::head, stored), "int8 g128");
    EXPECT_EQ(chosen(int4, Role::embedding, stored), tensor::name_of(stored));
  }
  EXPECT_EQ(chosen(int4, Role::vision, DType::bf16), "bf16");
  EXPECT_EQ(chosen(int4, Role::vision, DType::f32), "bf16");
  EXPECT_EQ(chosen(int4, Role::vision, DType::f16), "f16");
  EXPECT_EQ(chosen({.vision = Precision::int8}, Role::vision, DType::bf16), "int8 per row");
}

TEST(WeightPolicy, TheOtherModesAreWhatTheyAreCalled) {
  for (const Role role : {Role::decoder, Role::head, Role::vision}) {
    EXPECT_EQ(chosen({.body = Precision::f32}, role, DType::bf16), "f32");
    EXPECT_EQ(chosen({.body = Precision::bf16}, role, DType::f16), "bf16");
    EXPECT_EQ(chosen({.body = Precision::f16}, role, DType::bf16), "f16");
  }
  EXPECT_EQ(chosen({.body = Precision::int8}, Role::decoder, DType::bf16), "int8 g128");
  EXPECT_EQ(chosen({.body = Precision::int8}, Role::head, DType::bf16), "int8 g128");
  EXPECT_EQ(chosen({.body = Precision::int8}, Role::vision, DType::f16), "f16");
  EXPECT_EQ(chosen({.body = Precision::f32}, Role::embedding, DType::bf16), "bf16");
  EXPECT_EQ(chosen({.vision = Precision::f32}, Role::vision, DType::bf16), "f32");
  EXPECT_THROW(chosen({.vision = Precision::int4}, Role::vision, DType::bf16), Error);
}

TEST(WeightPolicy, CodesOfTheCheckpointStayWhereALayoutHoldsThem) {
  using checkpoint::CodeForm;
  const auto kept = [](const WeightPolicy& policy, Role role, const CodeForm& form) {
    const Layout layout = layout_for(policy, role, DType::f16, form);
    return layout_name(layout) + (layout.kept ? " kept" : "") +
           (layout.interleaved ? " interleaved" : "") + (layout.round_input ? " rounded" : "");
  };
  const CodeForm plain = {.kind = CodeForm::Kind::int4, .group = 64};
  const CodeForm zeros = {
      .kind = CodeForm::Kind::int4, .group = 32, .zero = tensor::ZeroPoint::u4, .permuted = true};
  const CodeForm bytes = {.kind = CodeForm::Kind::int8, .group = 0};
  const CodeForm blocks = {.kind = CodeForm::Kind::blocks, .blocks = tensor::BlockFormat::q4_k};
  EXPECT_EQ(kept({}, Role::decoder, plain), "int4 g64 sym kept interleaved rounded");
  EXPECT_EQ(kept({.interleave = false}, Role::decoder, plain), "int4 g64 sym kept rounded");
  EXPECT_EQ(kept({.round_input = false}, Role::head, plain), "int4 g64 sym kept");
  EXPECT_EQ(kept({}, Role::decoder, zeros), "int4 g32 zero u4 permuted kept");
  EXPECT_EQ(kept({}, Role::vision, bytes), "int8 per row kept interleaved rounded");
  EXPECT_EQ(kept({.vision = Precision::bf16}, Role::vision, bytes), "bf16 rounded");
  EXPECT_EQ(kept({.body = Precision::int8}, Role::decoder, bytes),
            "int8 per row kept interleaved rounded");
  EXPECT_EQ(kept({.body = Precision::int8}, Role::decoder, plain), "int8 g128 interleaved rounded");
  EXPECT_EQ(kept({.body = Precision::f32}, Role::decoder, zeros), "f32");
  EXPECT_EQ(kept({}, Role::decoder, blocks), "q4_k kept");
  EXPECT_EQ(kept({.interleave = false, .blocks = false}, Role::decoder, blocks),
            "int8 g128 rounded");
  EXPECT_EQ(kept({}, Role::decoder, {}), "int4 g128 sym interleaved rounded");
  EXPECT_EQ(kept({}, Role::embedding, blocks), "f16");
  EXPECT_EQ(kept({.body = Precision::f32}, Role::embedding, blocks), "f32");
}

TEST(WeightPolicy, BytesIncludeScalesAndShortGroups) {
  WeightPolicy int4;
  // Interleaved rows are padded to blocks of 16.
  EXPECT_EQ(layout_bytes(layout_for(int4, Role::decoder, DType::bf16), 10, 4304),
            16 * 2152 + 16 * 34 * 2);
  EXPECT_EQ(layout_bytes(layout_for(int4, Role::head, DType::bf16), 16, 251),
            16 * 256 + 16 * 2 * 2);
  for (const auto& [round_input, interleave] : {std::pair(false, true), std::pair(true, false)}) {
    const Layout rows = layout_for({.round_input = round_input, .interleave = interleave},
                                   Role::decoder, DType::bf16);
    EXPECT_EQ(rows.round_input, round_input);
    EXPECT_FALSE(rows.interleaved);
  }
  // Only a card rounds what it multiplies f16 with.
  EXPECT_FALSE(layout_for({}, Role::vision, DType::f16).round_input);
  EXPECT_TRUE(layout_for({.interleave = false}, Role::vision, DType::f16).round_input);
  EXPECT_FALSE(layout_for({.round_input = false, .interleave = false}, Role::vision, DType::f16)
                   .round_input);
  int4.round_input = false;
  EXPECT_EQ(layout_bytes(layout_for(int4, Role::decoder, DType::bf16), 10, 4304),
            10 * 2152 + 10 * 34 * 2);
  EXPECT_EQ(layout_bytes(layout_for(int4, Role::head, DType::bf16), 10, 256), 2560 + 10 * 2 * 2);
  EXPECT_EQ(layout_bytes(layout_for(int4, Role::vision, DType::bf16), 10, 3), 60);
}

TEST(WeightPolicy, WordsAreThoseOfTheCommandLine) {
  for (const char* word : {"f32", "bf16", "f16", "int8", "int4"})
    EXPECT_EQ(name_of(precision_named(word, "--weights")), word);
  try {
    precision_named("nf4", "--weights");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::StrEq("--weights: found 'nf4', wanted one of f32, bf16, "
                                             "f16, int8, int4"));
  }
}

}  // namespace
}  // namespace visavis::load
