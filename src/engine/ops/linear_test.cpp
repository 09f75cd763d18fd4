// Every kernel of linear against double-precision products of the dequantised weight.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/ops/ops_under_test.h"
#include "engine/tensor/interleave.h"

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
              std::vector<int32_t> order(static_cast<size_t>(cols));
              std::iota(order.begin(), order.end(), 0);
              rng.shuffle(order);
              layout.permutation = Buffer::host(cols * int64_t{sizeof(int32_t)});
              std::copy(order.begin(), order.end(), layout.permutation.as<int32_t>());
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

// Interleaved codes are the CPU's own.
std::vector<OpsUnderTest> cpu_ops(int threads = 2) {
  std::vector<OpsUnderTest> all = every_ops(threads);
  std::erase_if(all, [](const OpsUnderTest& variant) { return variant.cuda; });
  return all;
}

LayoutCase interleaved(const LayoutCase& plain) {
  return {plain.name + " interleaved",
          [make = plain.make](base::Rng& rng, int64_t rows, int64_t cols) {
            return tensor::interleave(make(rng, rows, cols));
          }};
}

std::vector<LayoutCase> interleaved_layouts() {
  std::vector<LayoutCase> cases;
  for (const int64_t group : {0, 32, 128}) cases.push_back(interleaved(int8(group)));
  for (const int64_t group : {32, 64, 128})
    cases.push_back(interleaved(int4(group, ZeroPoint::none, false, false)));
  return cases;
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

// Those and the interleaved ones.
std::vector<LayoutCase> every_cpu_layout() {
  std::vector<LayoutCase> cases = every_layout();
  for (LayoutCase& layout : interleaved_layouts()) cases.push_back(std::move(layout));
  return cases;
}

// Interleaved codes are the CPU's.
bool takes(const OpsUnderTest& variant, const LayoutCase& layout) {
  return !variant.name.starts_with("cuda") || !layout.name.ends_with("interleaved");
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

// Every output within 1e-6 of the sum of its terms' sizes: terms may cancel, so that the result is
// no measure of the error. Denormal products are each rounded to a multiple of 2^-149.
void expect_backward_stable(const std::vector<OpsUnderTest>& variants, const LayoutCase& layout,
                            const Weight& weight, const Tensor& x) {
  const std::vector<double> wanted = product(x, weight);
  const int64_t n = x.view().rows();
  std::vector<float> row(static_cast<size_t>(weight.cols));
  for (const OpsUnderTest& variant : variants) {
    const Tensor y = Tensor::poisoned({n, weight.rows});
    variant.ops->linear(x, weight, {}, y);
    for (int64_t r = 0; r < weight.rows; ++r) {
      tensor::dequantize_row(weight, r, row);
      for (int64_t i = 0; i < n; ++i) {
        double sizes = 0;
        for (int64_t c = 0; c < weight.cols; ++c)
          sizes += std::abs(static_cast<double>(x[i * weight.cols + c]) *
                            static_cast<double>(row[static_cast<size_t>(c)]));
        EXPECT_NEAR(y[i * weight.rows + r], wanted[static_cast<size_t>(i * weight.rows + r)],
                    1e-6 * sizes + static_cast<double>(weight.cols) * 0x1p-149)
            << variant.name << ", " << layout.name << ", row " << r << " of " << n << " tokens";
      }
    }
  }
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
  for (const BlockFormat format :
       {BlockFormat::q4_0, BlockFormat::q4_1, BlockFormat::q5_0, BlockFormat::q5_1,
        BlockFormat::q8_0, BlockFormat::q4_k, BlockFormat::q5_k, BlockFormat::q6_k}) {
    const LayoutCase layout = blocks(format);
    base::Rng rng(8, layout.name);
    const Weight weight = layout.make(rng, 13, 512);
    for (const int64_t n : {1, 6}) {
      const Tensor x = Tensor::random(rng, {n, 512});
      for (const OpsUnderTest& variant : variants) {
        if (variant.cuda)
          EXPECT_THROW(variant.ops->linear(x, weight, {}, Tensor(DType::f32, {n, 13})), Error);
        else
          expect_product(variant, layout, weight, x);
      }
    }
  }
}

TEST(Linear, TakesEveryNumberOfRowsAndAShortLastGroup) {
  const std::vector<OpsUnderTest> variants = every_ops();
  for (const LayoutCase& layout :
       {dense(DType::bf16), int8(128), int4(128, ZeroPoint::none, false, false)}) {
    base::Rng rng(9, layout.name);
    const Weight weight = layout.make(rng, 10, 4304);  // 33 groups of 128 and one of 80
    for (const int64_t n : {1, 2, 3, 4, 5, 6, 7, 11, 12, 17}) {
      const Tensor x = Tensor::random(rng, {n, 4304});
      for (const OpsUnderTest& variant : variants) expect_product(variant, layout, weight, x);
    }
  }
}

TEST(Linear, GivesEveryRowTheSameBitsWhateverTheBatchAndTheThreads) {
  const std::vector<OpsUnderTest> variants = every_ops();
  const std::vector<OpsUnderTest> alone = every_ops(1);
  for (const LayoutCase& layout :
       {dense(DType::f32), dense(DType::bf16), int8(0), int8(128),
        int4(128, ZeroPoint::none, false, false), int4(64, ZeroPoint::u4, true, true)}) {
    base::Rng rng(10, layout.name);
    constexpr int64_t kMany = 205;  // more than one block of tokens
    const Weight weight = layout.make(rng, 37, 1348);
    const Tensor x = Tensor::random(rng, {kMany, 1348});
    for (size_t v = 0; v < variants.size(); ++v) {
      if (variants[v].name == "cuda library") continue;  // adds up as the whole shape asks for
      const Tensor all = Tensor::poisoned({kMany, 37});
      variants[v].ops->linear(x, weight, {}, all);
      for (const int64_t n : {1, 3, 4, 5, 13}) {
        const Tensor some = Tensor::poisoned({n, 37});
        alone[v].ops->linear(tensor::slice_rows(x.view(), 0, n), weight, {}, some);
        for (int64_t i = 0; i < n * 37; ++i)
          ASSERT_EQ(some[i], all[i]) << variants[v].name << ", " << layout.name << ", n " << n;
      }
    }
  }
}

TEST(Linear, AddsBiasThenActivationThenWhatWasThere) {
  const std::vector<OpsUnderTest> variants = every_ops();
  base::Rng rng(11);
  const Weight weight = dense(DType::f32).make(rng, 21, 40);
  const Tensor bias = Tensor::random(rng, {21}, 5);
  for (const int64_t n : {1, 7}) {
    const Tensor x = Tensor::random(rng, {n, 40}, 2);
    const Tensor old = Tensor::random(rng, {n, 21});
    const std::vector<double> plain = product(x, weight);
    const std::vector<std::pair<Activation, double (*)(double)>> activations = {
        {Activation::none, [](double v) { return v; }},
        {Activation::gelu_erf,
         [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }},
        {Activation::gelu_tanh,
         [](double v) {
           return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
         }},
        {Activation::quick_gelu, [](double v) { return v / (1 + std::exp(-1.702 * v)); }},
        {Activation::silu, [](double v) { return v / (1 + std::exp(-v)); }}};
    for (const auto& [activation, function] : activations) {
      for (const bool accumulate : {false, true}) {
        std::vector<double> wanted;
        for (int64_t i = 0; i < n * 21; ++i)
          wanted.push_back(
              function(plain[static_cast<size_t>(i)] + static_cast<double>(bias[i % 21])) +
              (accumulate ? static_cast<double>(old[i]) : 0.0));
        for (const OpsUnderTest& variant : variants) {
          const Tensor y = accumulate ? old.copy() : Tensor::poisoned({n, 21});
          variant.ops->linear(
              x, weight, {.bias = bias, .activation = activation, .accumulate = accumulate}, y);
          EXPECT_LE(relative_distance(y.values(), wanted), 1e-6)
              << variant.name << ", activation " << static_cast<int>(activation);
        }
      }
    }
  }
}

TEST(Linear, StaysExactWithOutliersDenormalsAndExtremeCodes) {
  const std::vector<OpsUnderTest> variants = every_ops();
  for (const LayoutCase& layout : every_layout()) {
    base::Rng rng(12, layout.name);
    Weight weight = layout.make(rng, 9, 384);
    if (auto* int8 = std::get_if<Int8>(&weight.layout))
      std::memset(int8->codes.data(), 0x80, static_cast<size_t>(int8->codes.bytes()));  // -128
    if (auto* int4 = std::get_if<Int4>(&weight.layout))
      std::memset(int4->codes.data(), 0xF0, static_cast<size_t>(int4->codes.bytes()));  // 0 and 15
    for (const int64_t n : {1, 6}) {
      const Tensor x = Tensor::random(rng, {n, 384});
      x[5] = 1e4f;
      x[200] = -1e4f;
      x[77] = 1e-42f;
      expect_backward_stable(variants, layout, weight, x);
      expect_backward_stable(variants, layout, weight, Tensor::random(rng, {n, 384}, 1e-38f));
    }
  }
}

// x as linear rounds it for interleaved weights: to 255 levels per block of columns.
std::vector<double> rounded(const Tensor& x, int64_t block) {
  const int64_t cols = x.view().cols();
  std::vector<double> out;
  for (int64_t i = 0; i < x.view().shape.elements(); i += std::min(block, cols - i % cols)) {
    const int64_t count = std::min(block, cols - i % cols);
    double size = 0;
    for (int64_t j = i; j < i + count; ++j)
      size = std::max(size, std::abs(static_cast<double>(x[j])));
    const double step = size / 127;
    for (int64_t j = i; j < i + count; ++j)
      out.push_back(size == 0 ? 0 : std::nearbyint(static_cast<double>(x[j]) / step) * step);
  }
  return out;
}

TEST(InterleavedLinear, IsTheProductOfTheRoundedInput) {
  const std::vector<LinearShape> shapes = {{1, 1, 1},     {3, 20, 2},   {5, 129, 1},
                                           {16, 128, 17}, {33, 250, 3}, {67, 336, 9},
                                           {7, 1364, 5},  {48, 8, 4},   {160, 512, 33}};
  for (const LayoutCase& layout : interleaved_layouts()) {
    base::Rng rng(14, layout.name);
    for (const LinearShape& shape : shapes) {
      const Weight weight = layout.make(rng, shape.rows, shape.cols);
      const Tensor x = Tensor::random(rng, {shape.n, shape.cols}, 3);
      const auto* int4 = std::get_if<Int4>(&weight.layout);
      const int64_t group = int4 != nullptr ? int4->group : std::get<Int8>(weight.layout).group;
      const std::vector<double> values = rounded(x, group == 0 ? 128 : group);
      const Tensor near(DType::f32, {shape.n, shape.cols});
      for (size_t i = 0; i < values.size(); ++i) near.values()[i] = static_cast<float>(values[i]);
      const std::vector<double> wanted = product(near, weight);
      for (const OpsUnderTest& variant : cpu_ops()) {
        const Tensor y = Tensor::poisoned({shape.n, shape.rows});
        variant.ops->linear(x, weight, {}, y);
        // A value in the middle of two levels may go either way, in f32 or in double.
        EXPECT_LE(relative_distance(y.values(), wanted), 1e-3)
            << variant.name << ", " << layout.name << ", [" << shape.rows << ", " << shape.cols
            << "] on " << shape.n << " rows";
      }
    }
  }
}

TEST(InterleavedLinear, GivesTheSameBitsOnEveryKernelBatchAndNumberOfThreads) {
  const std::vector<OpsUnderTest> variants = cpu_ops();
  const std::vector<OpsUnderTest> alone = cpu_ops(1);
  for (const LayoutCase& layout : interleaved_layouts()) {
    base::Rng rng(15, layout.name);
    constexpr int64_t kMany = 517;  // more than one task's tokens
    constexpr int64_t kRows = 75;
    const Weight weight = layout.make(rng, kRows, 604);
    const Tensor x = Tensor::random(rng, {kMany, 604});
    x[3] = 1e4f;
    x[700] = -1e-36f;
    for (int64_t i = 604; i < 1208; ++i) x[i] = 0;
    const Tensor plain = Tensor::poisoned({kMany, kRows});
    make_cpu_ops({.threads = 2, .kernel = "plain"})->linear(x, weight, {}, plain);
    for (size_t v = 0; v < variants.size(); ++v)
      for (const int64_t n :
           {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}, int64_t{5}, int64_t{13}, kMany}) {
        const Tensor some = Tensor::poisoned({n, kRows});
        const OpsUnderTest& variant = n % 2 == 0 ? variants[v] : alone[v];
        variant.ops->linear(tensor::slice_rows(x.view(), 0, n), weight, {}, some);
        for (int64_t i = 0; i < n * kRows; ++i)
          ASSERT_EQ(some[i], plain[i]) << variant.name << ", " << layout.name << ", n " << n;
      }
  }
}

TEST(InterleavedLinear, HasTheSameBitsWhereTheWeightIsTooLargeForTheCaches) {
  constexpr int64_t kRows = 4200;
  constexpr int64_t kCols = 2040;
  for (const LayoutCase& plain : {int4(128, ZeroPoint::none, false, false), int8(128)}) {
    const LayoutCase layout = interleaved(plain);
    base::Rng rng(17, layout.name);
    const Weight weight = layout.make(rng, kRows, kCols);
    const Tensor x = Tensor::random(rng, {4, kCols});
    const Tensor wanted = Tensor::poisoned({4, kRows});
    make_cpu_ops({.threads = 2, .kernel = "plain"})->linear(x, weight, {}, wanted);
    for (const OpsUnderTest& variant : cpu_ops())
      for (int64_t n = 1; n <= 4; ++n) {
        const Tensor y = Tensor::poisoned({n, kRows});
        variant.ops->linear(tensor::slice_rows(x.view(), 0, n), weight, {}, y);
        for (int64_t i = 0; i < n * kRows; ++i)
          ASSERT_EQ(y[i], wanted[i]) << variant.name << ", " << layout.name << ", n " << n;
      }
  }
}

TEST(InterleavedLinear, AddsBiasActivationAndWhatWasThere) {
  base::Rng rng(16);
  const Weight weight = interleaved(int4(128, ZeroPoint::none, false, false)).make(rng, 21, 140);
  const Tensor bias = Tensor::random(rng, {21}, 5);
  for (const int64_t n : {1, 7}) {
    const Tensor x = Tensor::random(rng, {n, 140}, 2);
    const Tensor old = Tensor::random(rng, {n, 21});
    for (const OpsUnderTest& variant : cpu_ops()) {
      const Tensor product_only = Tensor::poisoned({n, 21});
      variant.ops->linear(x, weight, {}, product_only);
      const Tensor y = old.copy();
      variant.ops->linear(x, weight,
                          {.bias = bias, .activation = Activation::silu, .accumulate = true}, y);
      for (int64_t i = 0; i < n * 21; ++i) {
        const double z = static_cast<double>(product_only[i]) + static_cast<double>(bias[i % 21]);
        EXPECT_NEAR(y[i], z / (1 + std::exp(-z)) + static_cast<double>(old[i]), 1e-4)
            << variant.name;
      }
    }
  }
}

TEST(Bf16Linear, IsTheProductOfTheInputOrOfTheInputRoundedToBf16) {
  base::Rng rng(17);
  for (const LinearShape& shape : std::vector<LinearShape>{
           {1, 1, 1}, {5, 129, 1}, {16, 128, 17}, {67, 336, 9}, {130, 1364, 30}, {70, 33, 520}}) {
    Weight weight = dense(DType::bf16).make(rng, shape.rows, shape.cols);
    std::get<Dense>(weight.layout).round_input = true;
    const Tensor x = Tensor::random(rng, {shape.n, shape.cols});
    const Tensor near = x.copy();
    for (float& value : near.values()) value = tensor::to_float(tensor::to_bf16(value));
    const Tensor near_half = x.copy();
    for (float& value : near_half.values()) value = tensor::to_float(tensor::to_f16(value));
    const std::vector<double> rounded_product = product(near, weight);
    const std::vector<double> half_product = product(near_half, weight);
    const std::vector<double> exact = product(x, weight);
    for (const OpsUnderTest& variant : every_ops()) {
      const Tensor y = Tensor::poisoned({shape.n, shape.rows});
      variant.ops->linear(x, weight, {}, y);
      const bool library = variant.name == "cuda library" && shape.n > 8 && shape.cols % 4 == 0;
      if (library) {  // cards before Ampere multiply f16 instead, or leave odd columns to f32
        EXPECT_LE(std::min({relative_distance(y.values(), rounded_product),
                            relative_distance(y.values(), half_product),
                            relative_distance(y.values(), exact)}),
                  1e-5)
            << variant.name << " [" << shape.rows << ", " << shape.cols << "] on " << shape.n;
        continue;
      }
      const bool rounds = variant.name == "avx512_bf16";
      EXPECT_LE(relative_distance(y.values(), rounds ? rounded_product : exact), 1e-5)
          << variant.name << " [" << shape.rows << ", " << shape.cols << "] on " << shape.n;
    }
  }
}

TEST(Bf16Linear, GivesEveryRowTheSameBitsWhateverTheBatchAndTheThreads) {
  base::Rng rng(18);
  constexpr int64_t kMany = 517;
  Weight weight = dense(DType::bf16).make(rng, 75, 604);
  std::get<Dense>(weight.layout).round_input = true;
  const Tensor x = Tensor::random(rng, {kMany, 604});
  const std::vector<OpsUnderTest> variants = every_ops();
  const std::vector<OpsUnderTest> alone = every_ops(1);
  for (size_t v = 0; v < variants.size(); ++v) {
    if (variants[v].name == "cuda library") continue;  // adds up as the whole shape asks for
    const Tensor all = Tensor::poisoned({kMany, 75});
    variants[v].ops->linear(x, weight, {}, all);
    for (const int64_t n : {1, 2, 5, 13}) {
      const Tensor some = Tensor::poisoned({n, 75});
      alone[v].ops->linear(tensor::slice_rows(x.view(), 0, n), weight, {}, some);
      for (int64_t i = 0; i < n * 75; ++i)
        ASSERT_EQ(some[i], all[i]) << variants[v].name << ", n " << n;
    }
  }
}

TEST(Project, IsALinearPerOutputOfTheNormedInput) {
  base::Rng rng(12);
  for (const LayoutCase& layout : every_cpu_layout()) {
    const Weight first = layout.make(rng, 24, 256);
    const Weight second = layout.make(rng, 16, 256);
    const Tensor bias = Tensor::random(rng, {16});
    const Tensor norm = Tensor::random(rng, {256});
    for (const int64_t n : {1, 3}) {
      const Tensor x = Tensor::random(rng, {n, 256}, 3);
      for (const OpsUnderTest& variant : every_ops()) {
        if (!takes(variant, layout)) continue;
        const Tensor normed = Tensor::poisoned({n, 256});
        variant.ops->rms_norm(x, norm, 1e-5f, normed);
        const Tensor wanted_first = Tensor::poisoned({n, 24});
        const Tensor wanted_second = Tensor::poisoned({n, 16});
        variant.ops->linear(normed, first, {}, wanted_first);
        variant.ops->linear(normed, second, {.bias = bias}, wanted_second);
        const Tensor y_first = Tensor::poisoned({n, 24});
        const Tensor y_second = Tensor::poisoned({n, 16});
        tensor::Arena arena(Buffer::host(1 << 14));
        const std::vector<Projection> outputs = {{.weight = &first, .y = y_first},
                                                 {.weight = &second, .bias = bias, .y = y_second}};
        variant.ops->project(x, {.weight = norm, .eps = 1e-5f}, outputs, arena);
        EXPECT_EQ(y_first.to_vector(), wanted_first.to_vector())
            << variant.name << " " << layout.name << ", n " << n;
        EXPECT_EQ(y_second.to_vector(), wanted_second.to_vector())
            << variant.name << " " << layout.name << ", n " << n;
        EXPECT_EQ(arena.used(), 0);
      }
    }
  }
}

TEST(GatedMlp, IsDownOfSiluGateTimesUp) {
  base::Rng rng(13);
  const Weight gate = dense(DType::f32).make(rng, 24, 16);
  const Weight up = dense(DType::f32).make(rng, 24, 16);
  const Weight down = dense(DType::f32).make(rng, 16, 24);
  const Tensor x = Tensor::random(rng, {3, 16});
  const std::vector<double> gated = product(x, gate);
  const std::vector<double> raised = product(x, up);
  const Tensor hidden(DType::f32, {3, 24});
  for (size_t i = 0; i < gated.size(); ++i)
    hidden.values()[i] = static_cast<float>(gated[i] / (1 + std::exp(-gated[i])) * raised[i]);
  std::vector<double> wanted = product(hidden, down);
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] += static_cast<double>(x.values()[i]);
  for (const OpsUnderTest& variant : every_ops()) {
    tensor::Arena arena(Buffer::host(4096));
    const Tensor y = x.copy();
    variant.ops->gated_mlp(x, {}, gate, up, down, true, arena, y);
    EXPECT_LE(relative_distance(y.values(), wanted), 1e-5) << variant.name;
    EXPECT_EQ(arena.used(), 0);
  }
}

TEST(GatedMlp, HasTheBitsOfItsParts) {
  base::Rng rng(14);
  constexpr int64_t kHidden = 300;  // not whole blocks of interleaved rows
  for (const LayoutCase& layout : every_cpu_layout()) {
    const Weight gate = layout.make(rng, kHidden, 256);
    const Weight up = layout.make(rng, kHidden, 256);
    const Weight down = layout.make(rng, 256, kHidden);
    const Tensor norm = Tensor::random(rng, {256});
    for (const int64_t n : {1, 3, 6}) {
      const Tensor x = Tensor::random(rng, {n, 256}, 3);
      for (const OpsUnderTest& variant : every_ops()) {
        if (!takes(variant, layout)) continue;
        const Tensor normed = Tensor::poisoned({n, 256});
        variant.ops->rms_norm(x, norm, 1e-5f, normed);
        const Tensor gated = Tensor::poisoned({n, kHidden});
        const Tensor raised = Tensor::poisoned({n, kHidden});
        variant.ops->linear(normed, gate, {}, gated);
        variant.ops->linear(normed, up, {}, raised);
        variant.ops->silu_multiply(gated, raised);
        const Tensor wanted = x.copy();
        variant.ops->linear(gated, down, {.accumulate = true}, wanted);
        tensor::Arena arena(Buffer::host(1 << 15));
        const Tensor y = x.copy();
        variant.ops->gated_mlp(y, {.weight = norm, .eps = 1e-5f}, gate, up, down, true, arena, y);
        EXPECT_EQ(y.to_vector(), wanted.to_vector())
            << variant.name << " " << layout.name << ", n " << n;
        EXPECT_EQ(arena.used(), 0);
      }
    }
  }
}

}  // namespace
}  // namespace visavis::ops
