#include "engine/tensor/weight.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/rng.h"
#include "engine/tensor/block_format.h"
#include "engine/tensor/interleave.h"

namespace visavis::tensor {
namespace {

template <class T>
Buffer buffer_of(const std::vector<T>& values) {
  Buffer buffer = Buffer::host(static_cast<int64_t>(values.size() * sizeof(T)));
  std::memcpy(buffer.data(), values.data(), values.size() * sizeof(T));
  return buffer;
}

std::vector<float> row_of(const Weight& weight, int64_t row) {
  std::vector<float> out(static_cast<size_t>(weight.cols), -12345.0f);
  dequantize_row(weight, row, out);
  return out;
}

std::vector<F16> random_scales(base::Rng& rng, int64_t count) {
  std::vector<F16> scales;
  for (int64_t i = 0; i < count; ++i)
    scales.push_back(to_f16(static_cast<float>(rng.uniform() - 0.5)));
  return scales;
}

// A weight of one int4 layout, and its values computed from the unpacked parts.
struct Int4Case {
  Weight weight;
  std::vector<float> values;
};

Int4Case make_int4(int64_t rows, int64_t cols, int64_t group, ZeroPoint zero, bool lookup,
                   bool permute) {
  base::Rng rng(static_cast<uint64_t>(rows * 1000003 + cols * 131 + group));
  const int64_t groups = (cols + group - 1) / group;
  Int4 int4;
  int4.group = group;
  int4.zero = zero;
  if (lookup) {
    int4.lookup.emplace();
    for (float& level : *int4.lookup) level = static_cast<float>(rng.uniform() * 2 - 1);
  }
  std::vector<int32_t> order(static_cast<size_t>(cols));
  for (int64_t i = 0; i < cols; ++i) order[static_cast<size_t>(i)] = static_cast<int32_t>(i);
  if (permute) {
    rng.shuffle(order);
    int4.permutation = buffer_of(order);
  }
  const std::vector<F16> scales = random_scales(rng, rows * groups);
  const std::vector<F16> half_zeros = random_scales(rng, rows * groups);
  std::vector<uint8_t> codes(static_cast<size_t>(rows * ((cols + 1) / 2)), 0);
  std::vector<uint8_t> zeros(static_cast<size_t>(rows * ((groups + 1) / 2)), 0);
  std::vector<float> values(static_cast<size_t>(rows * cols));
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<int> zero_codes;
    for (int64_t g = 0; g < groups; ++g) {
      zero_codes.push_back(static_cast<int>(rng.below(16)));
      zeros[static_cast<size_t>(row * ((groups + 1) / 2) + g / 2)] |=
          static_cast<uint8_t>(zero_codes.back() << (g % 2 * 4));
    }
    for (int64_t col = 0; col < cols; ++col) {
      const auto code = static_cast<size_t>(rng.below(16));
      codes[static_cast<size_t>(row * ((cols + 1) / 2) + col / 2)] |=
          static_cast<uint8_t>(code << (col % 2 * 4));
      const auto g = static_cast<size_t>(row * groups + col / group);
      const float level = lookup ? (*int4.lookup)[code] : static_cast<float>(code);
      float from = lookup ? 0.0f : 8.0f;
      if (zero == ZeroPoint::u4)
        from = static_cast<float>(zero_codes[static_cast<size_t>(col / group)]);
      if (zero == ZeroPoint::f16) from = to_float(half_zeros[g]);
      const auto input = static_cast<size_t>(order[static_cast<size_t>(col)]);
      values[static_cast<size_t>(row * cols) + input] = (level - from) * to_float(scales[g]);
    }
  }
  int4.codes = buffer_of(codes);
  int4.scales = buffer_of(scales);
  if (zero == ZeroPoint::u4) int4.zeros = buffer_of(zeros);
  if (zero == ZeroPoint::f16) int4.zeros = buffer_of(half_zeros);
  return {{"w", rows, cols, std::move(int4)}, values};
}

TEST(DequantizeRow, ReadsDenseValuesOfEveryType) {
  const std::vector<float> values = {1.0f, -2.5f, 0.0f, 65504.0f, 0.125f, -1e-3f};
  std::vector<Bf16> bf16;
  std::vector<F16> f16;
  for (const float value : values) {
    bf16.push_back(to_bf16(value));
    f16.push_back(to_f16(value));
  }
  const Weight w32{"w", 2, 3, Dense{DType::f32, buffer_of(values)}};
  const Weight w16{"w", 2, 3, Dense{DType::f16, buffer_of(f16)}};
  const Weight wb16{"w", 2, 3, Dense{DType::bf16, buffer_of(bf16)}};
  EXPECT_EQ(row_of(w32, 1), (std::vector<float>{65504.0f, 0.125f, -1e-3f}));
  for (int64_t row = 0; row < 2; ++row) {
    for (size_t col = 0; col < 3; ++col) {
      const size_t i = static_cast<size_t>(row) * 3 + col;
      EXPECT_EQ(row_of(w16, row)[col], to_float(f16[i]));
      EXPECT_EQ(row_of(wb16, row)[col], to_float(bf16[i]));
    }
  }
  EXPECT_EQ(w32.bytes(), 24);
  EXPECT_EQ(wb16.bytes(), 12);
  EXPECT_EQ(w16.layout_name(), "f16");
}

TEST(DequantizeRow, Int8TakesOneScalePerGroupWithAShortLastGroupOrOnePerRow) {
  base::Rng rng(3);
  for (const int64_t group : {0, 32, 128}) {
    for (const int64_t cols : {1, 33, 128, 200}) {
      const int64_t groups = groups_of(cols, group);
      std::vector<int8_t> codes;
      for (int64_t i = 0; i < 3 * cols; ++i)
        codes.push_back(static_cast<int8_t>(static_cast<int>(rng.below(256)) - 128));
      const std::vector<F16> scales = random_scales(rng, 3 * groups);
      const Weight weight{"w", 3, cols, Int8{group, buffer_of(codes), buffer_of(scales)}};
      for (int64_t row = 0; row < 3; ++row) {
        const std::vector<float> got = row_of(weight, row);
        for (int64_t col = 0; col < cols; ++col) {
          const int64_t g = group == 0 ? 0 : col / group;
          EXPECT_EQ(got[static_cast<size_t>(col)],
                    static_cast<float>(codes[static_cast<size_t>(row * cols + col)]) *
                        to_float(scales[static_cast<size_t>(row * groups + g)]));
        }
      }
      EXPECT_EQ(weight.bytes(), 3 * cols + 3 * groups * 2);
      EXPECT_EQ(weight.layout_name(),
                group == 0 ? "int8 per row" : "int8 g" + std::to_string(group));
    }
  }
}

TEST(DequantizeRow, ServesEveryCombinationOfInt4) {
  for (const int64_t group : {32, 64, 128}) {
    for (const int64_t cols : {int64_t{1}, int64_t{31}, group, group + 5, 3 * group + 80}) {
      for (const ZeroPoint zero : {ZeroPoint::none, ZeroPoint::u4, ZeroPoint::f16}) {
        for (const bool lookup : {false, true}) {
          for (const bool permute : {false, true}) {
            const Int4Case made = make_int4(3, cols, group, zero, lookup, permute);
            for (int64_t row = 0; row < 3; ++row) {
              const std::vector<float> wanted(made.values.begin() + row * cols,
                                              made.values.begin() + (row + 1) * cols);
              ASSERT_EQ(row_of(made.weight, row), wanted)
                  << made.weight.layout_name() << " cols " << cols;
            }
          }
        }
      }
    }
  }
}

TEST(Weights, NamesSayEverythingThatTheLayoutIs) {
  EXPECT_EQ(make_int4(1, 128, 128, ZeroPoint::none, false, false).weight.layout_name(),
            "int4 g128 sym");
  EXPECT_EQ(make_int4(1, 128, 64, ZeroPoint::u4, false, true).weight.layout_name(),
            "int4 g64 zero u4 permuted");
  EXPECT_EQ(make_int4(1, 128, 64, ZeroPoint::none, true, false).weight.layout_name(),
            "int4 g64 lookup");
  EXPECT_EQ(make_int4(1, 128, 32, ZeroPoint::f16, false, false).weight.layout_name(),
            "int4 g32 zero f16");
}

TEST(Weights, BytesCountScalesZerosAndPermutation) {
  // 4304 columns: 33 groups of 128 and a short one of 80.
  EXPECT_EQ(groups_of(4304, 128), 34);
  EXPECT_EQ(make_int4(2, 4304, 128, ZeroPoint::none, false, false).weight.bytes(),
            2 * 2152 + 2 * 34 * 2);
  EXPECT_EQ(make_int4(2, 33, 32, ZeroPoint::u4, false, true).weight.bytes(),
            2 * 17 + 2 * 2 * 2 + 2 * 1 + 33 * 4);
}

void put_half(std::vector<uint8_t>& block, size_t at, float value) {
  const F16 half = to_f16(value);
  std::memcpy(block.data() + at, &half.bits, 2);
}

Weight block_weight(BlockFormat format, const std::vector<uint8_t>& bytes, int64_t rows) {
  const auto blocks = static_cast<int64_t>(bytes.size()) / block_bytes(format);
  return {"w", rows, blocks / rows * block_values(format), BlockQ{format, buffer_of(bytes)}};
}

TEST(BlockFormats, SizesAreThoseOfTheFileFormat) {
  EXPECT_EQ(block_bytes(BlockFormat::q4_0), 18);
  EXPECT_EQ(block_bytes(BlockFormat::q4_1), 20);
  EXPECT_EQ(block_bytes(BlockFormat::q5_0), 22);
  EXPECT_EQ(block_bytes(BlockFormat::q5_1), 24);
  EXPECT_EQ(block_bytes(BlockFormat::q8_0), 34);
  EXPECT_EQ(block_bytes(BlockFormat::q4_k), 144);
  EXPECT_EQ(block_bytes(BlockFormat::q5_k), 176);
  EXPECT_EQ(block_bytes(BlockFormat::q6_k), 210);
  EXPECT_EQ(block_values(BlockFormat::q8_0), 32);
  EXPECT_EQ(block_values(BlockFormat::q6_k), 256);
  EXPECT_EQ(name_of(BlockFormat::q5_k), "q5_k");
}

TEST(BlockFormats, SmallBlocksPutTheSecondHalfInTheHighNibbles) {
  std::vector<uint8_t> q4_0(36, 0);
  put_half(q4_0, 18, 0.5f);
  q4_0[18 + 2 + 3] = 0xF1;  // value 3 = 1, value 19 = 15
  const std::vector<float> second = row_of(block_weight(BlockFormat::q4_0, q4_0, 2), 1);
  EXPECT_EQ(second[3], 0.5f * (1 - 8));
  EXPECT_EQ(second[19], 0.5f * (15 - 8));
  EXPECT_EQ(second[0], 0.5f * -8);

  std::vector<uint8_t> q4_1(20, 0);
  put_half(q4_1, 0, 0.25f);
  put_half(q4_1, 2, -3.0f);
  q4_1[4 + 15] = 0x2A;
  const std::vector<float> with_min = row_of(block_weight(BlockFormat::q4_1, q4_1, 1), 0);
  EXPECT_EQ(with_min[15], 0.25f * 10 - 3);
  EXPECT_EQ(with_min[31], 0.25f * 2 - 3);

  std::vector<uint8_t> q5_0(22, 0);
  put_half(q5_0, 0, 0.5f);
  q5_0[2 + 2] = 0x04;      // the fifth bit of value 18
  q5_0[2 + 4 + 2] = 0x7A;  // value 2 = 10, value 18 = 7 + 16
  const std::vector<float> five = row_of(block_weight(BlockFormat::q5_0, q5_0, 1), 0);
  EXPECT_EQ(five[2], 0.5f * (10 - 16));
  EXPECT_EQ(five[18], 0.5f * (23 - 16));
  EXPECT_EQ(five[31], 0.5f * -16);

  std::vector<uint8_t> q5_1(24, 0);
  put_half(q5_1, 0, 0.25f);
  put_half(q5_1, 2, -3.0f);
  q5_1[4 + 1] = 0x80;       // the fifth bit of value 15
  q5_1[4 + 4 + 15] = 0x2A;  // value 15 = 10 + 16, value 31 = 2
  const std::vector<float> five_min = row_of(block_weight(BlockFormat::q5_1, q5_1, 1), 0);
  EXPECT_EQ(five_min[15], 0.25f * 26 - 3);
  EXPECT_EQ(five_min[31], 0.25f * 2 - 3);
  EXPECT_EQ(five_min[0], -3.0f);

  std::vector<uint8_t> q8_0(34, 0);
  put_half(q8_0, 0, 2.0f);
  q8_0[2 + 31] = 0x80;
  q8_0[2] = 0x7F;
  const std::vector<float> bytes = row_of(block_weight(BlockFormat::q8_0, q8_0, 1), 0);
  EXPECT_EQ(bytes[31], -256.0f);
  EXPECT_EQ(bytes[0], 254.0f);
}

// Packs six-bit scales and minima as q4_k and q5_k do: the inverse of the reader, written from the
// format's description.
void put_six_bits(std::vector<uint8_t>& block, const std::vector<int>& scales,
                  const std::vector<int>& mins) {
  for (size_t sub = 0; sub < 4; ++sub) {
    block[4 + sub] = static_cast<uint8_t>(scales[sub] | (scales[sub + 4] >> 4 << 6));
    block[8 + sub] = static_cast<uint8_t>(mins[sub] | (mins[sub + 4] >> 4 << 6));
    block[12 + sub] = static_cast<uint8_t>((scales[sub + 4] & 15) | (mins[sub + 4] & 15) << 4);
  }
}

TEST(BlockFormats, KBlocksOfFourAndFiveBitsComeBackValueByValue) {
  base::Rng rng(11);
  for (const BlockFormat format : {BlockFormat::q4_k, BlockFormat::q5_k}) {
    const bool five = format == BlockFormat::q5_k;
    std::vector<uint8_t> block(static_cast<size_t>(block_bytes(format)), 0);
    put_half(block, 0, 0.03125f);
    put_half(block, 2, 0.0625f);
    std::vector<int> scales;
    std::vector<int> mins;
    for (int sub = 0; sub < 8; ++sub) {
      scales.push_back(static_cast<int>(rng.below(64)));
      mins.push_back(static_cast<int>(rng.below(64)));
    }
    put_six_bits(block, scales, mins);
    std::vector<int> codes;
    const size_t nibbles = five ? 48 : 16;
    for (size_t i = 0; i < 256; ++i) {
      const size_t sub = i / 32;
      const int code = static_cast<int>(rng.below(five ? 32 : 16));
      codes.push_back(code);
      block[nibbles + sub / 2 * 32 + i % 32] |= static_cast<uint8_t>((code & 15) << (sub % 2 * 4));
      if (five) block[16 + i % 32] |= static_cast<uint8_t>((code >> 4) << sub);
    }
    const std::vector<float> got = row_of(block_weight(format, block, 1), 0);
    for (size_t i = 0; i < 256; ++i) {
      const auto scale = static_cast<float>(scales[i / 32]);
      const auto min = static_cast<float>(mins[i / 32]);
      ASSERT_EQ(got[i], 0.03125f * scale * static_cast<float>(codes[i]) - 0.0625f * min) << i;
    }
  }
}

TEST(BlockFormats, SixBitBlocksComeBackValueByValue) {
  base::Rng rng(12);
  std::vector<uint8_t> block(210, 0);
  put_half(block, 208, 0.015625f);
  std::vector<int> codes;
  for (size_t i = 0; i < 16; ++i) block[192 + i] = static_cast<uint8_t>(rng.below(256));
  for (size_t i = 0; i < 256; ++i) {
    const int code = static_cast<int>(rng.below(64));
    codes.push_back(code);
    const size_t half = i / 128;
    const size_t quarter = i % 128 / 32;
    const size_t lane = i % 32;
    block[half * 64 + quarter % 2 * 32 + lane] |=
        static_cast<uint8_t>((code & 15) << (quarter / 2 * 4));
    block[128 + half * 32 + lane] |= static_cast<uint8_t>((code >> 4) << (2 * quarter));
  }
  const std::vector<float> got = row_of(block_weight(BlockFormat::q6_k, block, 1), 0);
  for (size_t i = 0; i < 256; ++i) {
    const auto scale = static_cast<float>(static_cast<int8_t>(block[192 + i / 16]));
    ASSERT_EQ(got[i], 0.015625f * scale * static_cast<float>(codes[i] - 32)) << i;
  }
}

TEST(Interleave, KeepsEveryValueAndPadsToWholeBlocks) {
  for (const auto& [rows, cols] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {16, 8}, {17, 9}, {40, 300}, {5, 4304}}) {
    const Weight int4 = make_int4(rows, cols, 128, ZeroPoint::none, false, false).weight;
    const Weight mixed = interleave(int4);
    EXPECT_EQ(mixed.layout_name(), int4.layout_name());
    const Int4& held = std::get<Int4>(mixed.layout);
    EXPECT_EQ(held.codes.bytes() % 64, 0);
    for (int64_t row = 0; row < rows; ++row) EXPECT_EQ(row_of(mixed, row), row_of(int4, row));

    base::Rng rng(3);
    std::vector<int8_t> codes;
    for (int64_t i = 0; i < rows * cols; ++i) codes.push_back(static_cast<int8_t>(rng.next()));
    for (const int64_t group : {0, 64}) {
      const Weight int8{"w", rows, cols,
                        Int8{.group = group,
                             .codes = buffer_of(codes),
                             .scales = buffer_of(random_scales(rng, rows * groups_of(cols, group))),
                             .interleaved = false}};
      const Weight turned = interleave(int8);
      for (int64_t row = 0; row < rows; ++row) EXPECT_EQ(row_of(turned, row), row_of(int8, row));
    }
  }
}

}  // namespace
}  // namespace visavis::tensor
