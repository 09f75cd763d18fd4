// Every kernel of linear against double-precision products of the dequantised weight.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "engine/ops/ops_under_test.h"

namespace visavis::ops {
namespace {

using tensor::BlockFormat;
using tensor::BlockQ;
using tensor::Dense;
using tensor::F16;
using tensor::Int4;
using tensor::Int8;
using tensor::ZeroPoint;

Buffer random_bytes(base::Rng& rng, int64_t count) {
  Buffer buffer = Buffer::host(count);
  for (int64_t i = 0; i < count; ++i) buffer.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
  return buffer;
}

Buffer random_halves(base::Rng& rng, int64_t count, double low, double high) {
  Buffer buffer = Buffer::host(count * 2);
  for (int64_t i = 0; i < count; ++i)
    buffer.as<F16>()[i] = tensor::to_f16(static_cast<float>(low + rng.uniform() * (high - low)));
  return buffer;
}

struct LayoutCase {
  std::string name;
  std::function<Weight(base::Rng&, int64_t rows, int64_t cols)> make;
};

LayoutCase dense(DType dtype) {
  return {"dense " + std::string(tensor::name_of(dtype)),
          [dtype](base::Rng& rng, int64_t rows, int64_t cols) {
            Dense layout{.dtype = dtype,
                         .values = Buffer::host(rows * cols * tensor::size_of(dtype))};
            for (int64_t i = 0; i < rows * cols; ++i) {
              const auto value = static_cast<float>(rng.uniform() * 2 - 1);
              if (dtype == DType::f32) layout.values.as<float>()[i] = value;
              if (dtype == DType::f16) layout.values.as<F16>()[i] = tensor::to_f16(value);
              if (dtype == DType::bf16)
                layout.values.as<tensor::Bf16>()[i] = tensor::to_bf16(value);
            }
            return Weight{"w", rows, cols, std::move(layout)};
          }};
}

LayoutCase int8(int64_t group) {
  return {"int8 group " + std::to_string(group),
          [group](base::Rng& rng, int64_t rows, int64_t cols) {
            const int64_t groups = tensor::groups_of(cols, group);
            return Weight{"w", rows, cols,
                          Int8{.group = group,
                               .codes = random_bytes(rng, rows * cols),
                               .scales = random_halves(rng, rows * groups, -0.02, 0.02)}};
          }};
}

LayoutCase int4(int64_t group, ZeroPoint zero, bool lookup, bool permuted) {
  const std::string name = "int4 group " + std::to_string(group) + " zero " +
                           std::to_string(static_cast<int>(zero)) + (lookup ? " lookup" : "") +
                           (permuted ? " permuted" : "");
  return {name, [=](base::Rng& rng, int64_t rows, int64_t cols) {
            const int64_t groups = tensor::groups_of(cols, group);
            Int4 layout;
            layout.group = group;
            layout.codes = random_bytes(rng, rows * ((cols + 1) / 2));
            layout.scales = random_halves(rng, rows * groups, -0.1, 0.1);
            layout.zero = zero;
            if (zero == ZeroPoint::u4) layout.zeros = random_bytes(rng, rows * ((groups + 1) / 2));
            if (zero == ZeroPoint::f16) layout.zeros = random_halves(rng, rows * groups, 0, 15);
            if (lookup) {
              layout.lookup.emplace();
              for (float& level : *layout.lookup) level = static_cast<float>(rng.uniform() * 2 - 1);
            }
            if (permuted) {
              for (int64_t i = 0; i < cols; ++i)
                layout.permutation.push_back(static_cast<int32_t>(i));
              rng.shuffle(layout.permutation);
            }
            return Weight{"w", rows, cols, std::move(layout)};
          }};
}

// GGUF blocks of small random values; the scales inside are kept finite by clearing exponent bits.
LayoutCase blocks(BlockFormat format) {
  return {"blocks " + std::to_string(static_cast<int>(format)),
          [format](base::Rng& rng, int64_t rows, int64_t cols) {
            const int64_t bytes =
                rows * cols / tensor::block_values(format) * tensor::block_bytes(format);
            BlockQ layout{.format = format, .blocks = random_bytes(rng, bytes)};
            for (int64_t i = 0; i < bytes; ++i) layout.blocks.as<uint8_t>()[i] &= 0x33;
            return Weight{"w", rows, cols, std::move(layout)};
          }};
}

std::vector<LayoutCase> every_layout() {
  std::vector<LayoutCase> cases = {dense(DType::f32), dense(DType::bf16), dense(DType::f16)};
  for (const int64_t group : {0, 32, 64, 128, 48}) cases.push_back(int8(group));
  for (const int64_t group : {32, 64, 128})
    for (const ZeroPoint zero : {ZeroPoint::none, ZeroPoint::u4, ZeroPoint::f16})
      cases.push_back(int4(group, zero, false, false));
  cases.push_back(int4(64, ZeroPoint::none, true, false));
  cases.push_back(int4(128, ZeroPoint::u4, false, true));
  cases.push_back(int4(128, ZeroPoint::none, false, true));
  return cases;
}

// x W^T in double, from the dequantised rows.
std::vector<double> product(const Tensor& x, const Weight& weight) {
  const int64_t n = x.view().rows();
  std::vector<double> y(static_cast<size_t>(n * weight.rows));
  std::vector<float> row(static_cast<size_t>(weight.cols));
  for (int64_t r = 0; r < weight.rows; ++r) {
    tensor::dequantize_row(weight, r, row);
    for (int64_t i = 0; i < n; ++i) {
      double sum = 0;
      for (int64_t c = 0; c < weight.cols; ++c)
        sum += static_cast<double>(x[i * weight.cols + c]) *
               static_cast<double>(row[static_cast<size_t>(c)]);
      y[static_cast<size_t>(i * weight.rows + r)] = sum;
    }
  }
  return y;
}

struct LinearShape {
  int64_t rows, cols, n;
};

void expect_product(const OpsUnderTest& variant, const LayoutCase& layout, const Weight& weight,
                    const Tensor& x) {
  const Tensor y = Tensor::poisoned({x.view().rows(), weight.rows});
  variant.ops->linear(x, weight, {}, y);
  EXPECT_LE(relative_distance(y.values(), product(x, weight)), 1e-5)
      << variant.name << ", " << layout.name << ", [" << weight.rows << ", " << weight.cols
      << "] on " << x.view().rows() << " rows";
}

TEST(Linear, EqualsTheDoubleProductForEveryLayoutAndOddShapes) {
  const std::vector<LinearShape> shapes = {{1, 1, 1},    {3, 20, 2},   {5, 129, 1}, {16, 128, 17},
                                           {33, 250, 3}, {67, 336, 9}, {7, 1364, 5}};
  const std::vector<OpsUnderTest> variants = every_ops();
  for (const LayoutCase& layout : every_layout()) {
    base::Rng rng(7, layout.name);
    for (const LinearShape& shape : shapes) {
      const Weight weight = layout.make(rng, shape.rows, shape.cols);
      const Tensor x = Tensor::random(rng, {shape.n, shape.cols});
      for (const OpsUnderTest& variant : variants) expect_product(variant, layout, weight, x);
    }
  }
}

TEST(Linear, ServesEveryBlockFormat) {
  const std::vector<OpsUnderTest> variants = every_ops();
  for (const BlockFormat format : {BlockFormat::q4_0, BlockFormat::q4_1, BlockFormat::q8_0,
                                   BlockFormat::q4_k, BlockFormat::q5_k, BlockFormat::q6_k}) {
    const LayoutCase layout = blocks(format);
    base::Rng rng(8, layout.name);
    const Weight weight = layout.make(rng, 13, 512);
    for (const int64_t n : {1, 6}) {
      const Tensor x = Tensor::random(rng, {n, 512});
      for (const OpsUnderTest& variant : variants) expect_product(variant, layout, weight, x);
    }
  }
}

}  // namespace
}  // namespace visavis::ops
