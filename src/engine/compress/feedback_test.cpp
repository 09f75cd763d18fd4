// Handing errors on: outputs change less for inputs that go together, and nothing changes for those
// that do not.
#include "engine/compress/feedback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "engine/compress/calibration.h"

namespace visavis::compress {
namespace {

using tensor::DType;

std::vector<float> random_values(base::Rng& rng, size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(2 * rng.uniform() - 1);
  return values;
}

// Rows of `cols` inputs that share `directions` causes, and some of their own.
std::vector<float> inputs(base::Rng& rng, size_t rows, size_t cols, size_t directions) {
  const std::vector<float> mix = random_values(rng, directions * cols);
  std::vector<float> out;
  for (size_t row = 0; row < rows; ++row) {
    const std::vector<float> causes = random_values(rng, directions);
    for (size_t i = 0; i < cols; ++i) {
      auto value = static_cast<float>(0.6 * rng.uniform() - 0.3);
      for (size_t d = 0; d < directions; ++d) value += causes[d] * mix[d * cols + i];
      out.push_back(value);
    }
  }
  return out;
}

InputSample sampled(const std::vector<float>& rows, int64_t cols) {
  InputSampler sampler(8, 1, true);
  sampler.add("w", rows, cols);
  return sampler.take().at("w");
}

double output_error(const std::vector<float>& row, const std::vector<float>& back,
                    const std::vector<float>& rows) {
  double off = 0;
  double whole = 0;
  for (size_t at = 0; at < rows.size(); at += row.size()) {
    double difference = 0;
    double value = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      const double x = static_cast<double>(rows[at + i]);
      difference += x * (static_cast<double>(back[i]) - static_cast<double>(row[i]));
      value += x * static_cast<double>(row[i]);
    }
    off += difference * difference;
    whole += value * value;
  }
  return std::sqrt(off / whole);
}

struct Coded {
  std::vector<uint8_t> codes;
  std::vector<uint16_t> scales;
  std::vector<uint8_t> zeros;
  std::vector<float> back;
};

Coded code(const Feedback* feedback, const std::vector<float>& row, const Coding& coding) {
  Coded coded;
  const size_t groups = row.size() / static_cast<size_t>(coding.group);
  coded.codes.resize(row.size());
  coded.scales.resize(groups);
  coded.zeros.resize(groups);
  coded.back.resize(row.size());
  const CodedRow out = {coded.codes.data(), coded.scales.data(), coded.zeros.data()};
  EXPECT_TRUE(feedback == nullptr
                  ? code_row(row, {}, coding, DType::bf16, out, coded.back)
                  : feedback->code_row(row, {}, coding, DType::bf16, out, coded.back));
  return coded;
}

TEST(Feedback, OutputsChangeLessForInputsThatGoTogether) {
  constexpr size_t kCols = 320;  // the last block is half a block
  base::Rng rng(4, "feedback");
  const std::vector<float> seen = inputs(rng, 600, kCols, 24);
  base::Rng same(4, "feedback");  // the same causes, other rows
  std::vector<float> later = inputs(same, 900, kCols, 24);
  later.erase(later.begin(), later.begin() + 600 * kCols);
  const Feedback feedback(sampled(seen, kCols).moments, kCols);
  for (const Coding& coding : {Coding{.group = 32}, Coding{.group = 64, .zero_points = true}}) {
    double plain = 0;
    double handed_on = 0;
    for (int i = 0; i < 12; ++i) {
      const std::vector<float> row = random_values(rng, kCols);
      plain += output_error(row, code(nullptr, row, coding).back, later);
      const Coded coded = code(&feedback, row, coding);
      handed_on += output_error(row, coded.back, later);
      // What stands in the codes is what comes back.
      for (size_t c = 0; c < kCols; ++c) {
        const size_t group = c / static_cast<size_t>(coding.group);
        const int level = c % 2 == 0 ? coded.codes[c / 2] & 15 : coded.codes[c / 2] >> 4;
        const int zero = coding.zero_points ? coded.zeros[group] : 8;
        ASSERT_EQ(coded.back[c], static_cast<float>(level - zero) *
                                     tensor::to_float(tensor::Bf16{coded.scales[group]}));
      }
    }
    EXPECT_LT(handed_on, 0.6 * plain) << coding.group;
  }
}

TEST(Feedback, NothingIsHandedOnBetweenInputsThatDoNotGoTogether) {
  constexpr int64_t kCols = 256;
  std::vector<float> moments(static_cast<size_t>(moment_values(kCols)));
  base::Rng rng(5, "apart");
  for (int64_t i = 0; i < kCols; ++i)
    moments[static_cast<size_t>(i * kMomentBlock + i % kMomentBlock)] =
        static_cast<float>(0.1 + rng.uniform());
  const Feedback feedback(moments, kCols);
  const Feedback nothing_seen(std::vector<float>(static_cast<size_t>(moment_values(kCols)), 0.0f),
                              kCols);
  const std::vector<float> row = random_values(rng, kCols);
  for (const Coding& coding : {Coding{.group = 64}, Coding{.group = 32, .zero_points = true},
                               Coding{.bits = 8, .group = 128}}) {
    const Coded wanted = code(nullptr, row, coding);
    for (const Feedback* each : {&feedback, &nothing_seen}) {
      const Coded found = code(each, row, coding);
      EXPECT_EQ(found.codes, wanted.codes);
      EXPECT_EQ(found.scales, wanted.scales);
      EXPECT_EQ(found.back, wanted.back);
    }
  }
}

TEST(Feedback, ASamplerSumsTheMomentsOfEveryBlock) {
  constexpr int64_t kCols = 160;
  base::Rng rng(6, "moments");
  const std::vector<float> rows = random_values(rng, 20 * kCols);
  const InputSample sample = sampled(rows, kCols);
  ASSERT_EQ(static_cast<int64_t>(sample.moments.size()), moment_values(kCols));
  for (int64_t i = 0; i < kCols; ++i)
    for (int64_t j = 0; j < kCols; ++j) {
      if (i / kMomentBlock != j / kMomentBlock) continue;
      double wanted = 0;
      for (int64_t row = 0; row < 20; ++row)
        wanted += static_cast<double>(rows[static_cast<size_t>(row * kCols + i)]) *
                  static_cast<double>(rows[static_cast<size_t>(row * kCols + j)]);
      EXPECT_NEAR(sample.moments[static_cast<size_t>(i * kMomentBlock + j % kMomentBlock)], wanted,
                  1e-3);
    }
  InputSampler without(8, 1);
  without.add("w", rows, kCols);
  EXPECT_TRUE(without.take().at("w").moments.empty());
}

}  // namespace
}  // namespace visavis::compress
