// Ops::quantize of a device against the host's quantize.h, bit for bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "engine/load/quantize.h"
#include "engine/load/widen.h"
#include "engine/ops/cuda_for_tests.h"

namespace visavis::load {
namespace {

using tensor::Buffer;
using tensor::DType;
using tensor::F16;

// Rows as a checkpoint stores them: of many sizes, with outliers, equal values, zeros and values
// below the smallest f16.
Buffer stored_rows(DType dtype, int64_t rows, int64_t cols) {
  base::Rng rng(31);
  Buffer buffer = Buffer::host(rows * cols * tensor::size_of(dtype));
  for (int64_t i = 0; i < rows * cols; ++i) {
    const int64_t row = i / cols;
    auto value = static_cast<float>((rng.uniform() + rng.uniform() - 1) *
                                    std::pow(10.0, static_cast<double>(row % 9) - 6));
    if (row % 7 == 1) value = 0;
    if (row % 7 == 2 && rng.below(64) == 0) value *= 40;
    if (row % 7 == 3) value = rng.below(2) == 0 ? 0.5f : -0.5f;
    if (row % 7 == 4) value *= 1e-9f;
    switch (dtype) {
      case DType::f32:
        buffer.as<float>()[i] = value;
        break;
      case DType::f16:
        buffer.as<F16>()[i] = tensor::to_f16(value);
        break;
      default:
        buffer.as<tensor::Bf16>()[i] = tensor::to_bf16(value);
    }
  }
  return buffer;
}

class DeviceQuantize : public testing::Test {
 protected:
  void SetUp() override {
    if (ops_ == nullptr) GTEST_SKIP() << "this build or machine has no CUDA device";
  }

  // Both results for rows in two calls, one after the other.
  void compare(DType dtype, const ops::Coding& coding, int64_t rows, int64_t cols) {
    const Buffer stored = stored_rows(dtype, rows, cols);
    const int64_t code_bytes = cols * coding.bits / 8;
    const int64_t groups = cols / coding.group;
    std::vector<uint8_t> codes(static_cast<size_t>(rows * code_bytes));
    std::vector<F16> scales(static_cast<size_t>(rows * groups));
    std::vector<float> row(static_cast<size_t>(cols));
    for (int64_t r = 0; r < rows; ++r) {
      ASSERT_TRUE(
          widen(dtype, stored.data() + r * cols * tensor::size_of(dtype), cols, row.data()));
      uint8_t* code = codes.data() + r * code_bytes;
      F16* scale = scales.data() + r * groups;
      ASSERT_TRUE(coding.bits == 4 ? quantize_int4_row(row, coding.group, code, scale)
                                   : quantize_int8_row(row, coding.group,
                                                       reinterpret_cast<int8_t*>(code), scale));
    }
    const Buffer there_codes = ops_->allocate(rows * code_bytes);
    const Buffer there_scales = ops_->allocate(rows * groups * 2);
    const int64_t half = rows / 2;
    for (const auto& [begin, end] : {std::pair{int64_t{0}, half}, std::pair{half, rows}}) {
      const int64_t n = end - begin;
      ops_->quantize({dtype, {n, cols}, stored.data() + begin * cols * tensor::size_of(dtype)},
                     coding,
                     {DType::u8,
                      {n, code_bytes},
                      const_cast<std::byte*>(there_codes.data()) + begin * code_bytes},
                     {DType::f16,
                      {n, groups},
                      const_cast<std::byte*>(there_scales.data()) + begin * groups * 2});
    }
    const ops::QuantizeFaults faults = ops_->quantize_faults();
    EXPECT_FALSE(faults.not_finite || faults.scale_too_large);
    std::vector<uint8_t> found_codes(codes.size());
    std::vector<F16> found_scales(scales.size());
    ops_->download({DType::u8, {rows, code_bytes}, there_codes.data()}, found_codes.data());
    ops_->download({DType::f16, {rows, groups}, there_scales.data()}, found_scales.data());
    EXPECT_EQ(found_codes, codes) << tensor::name_of(dtype) << " " << coding.bits << " bits, group "
                                  << coding.group;
    EXPECT_EQ(std::memcmp(found_scales.data(), scales.data(), scales.size() * sizeof(F16)), 0);
  }

  // Whether rows with one such value are refused, and the next ones are not.
  void expect_fault(float bad, bool not_finite) {
    std::vector<float> row(128, 1.0f);
    row[77] = bad;
    const Buffer codes = ops_->allocate(64);
    const Buffer scales = ops_->allocate(2);
    const auto quantize = [&] {
      ops_->quantize({DType::f32, {1, 128}, reinterpret_cast<const std::byte*>(row.data())},
                     {.bits = 4, .group = 128},
                     {DType::u8, {1, 64}, const_cast<std::byte*>(codes.data())},
                     {DType::f16, {1, 1}, const_cast<std::byte*>(scales.data())});
      return ops_->quantize_faults();
    };
    const ops::QuantizeFaults faults = quantize();
    EXPECT_EQ(faults.not_finite, not_finite);
    EXPECT_EQ(faults.scale_too_large, !not_finite);
    row[77] = 1;
    const ops::QuantizeFaults none = quantize();
    EXPECT_FALSE(none.not_finite || none.scale_too_large);
  }

 private:
  std::unique_ptr<ops::Ops> ops_ = ops::first_cuda_device();
};

TEST_F(DeviceQuantize, GivesTheBitsOfTheHost) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16})
    for (const int bits : {4, 8})
      for (const int64_t group : {32, 64, 128}) compare(dtype, {bits, group}, 70, 640);
}

TEST_F(DeviceQuantize, TellsOfValuesThatCannotBeKept) {
  expect_fault(std::numeric_limits<float>::infinity(), true);
  expect_fault(std::numeric_limits<float>::quiet_NaN(), true);
  expect_fault(1e8f, false);
}

}  // namespace
}  // namespace visavis::load
