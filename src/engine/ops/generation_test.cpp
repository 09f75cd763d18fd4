// What generation runs on a device: few rows, weights whose input may be rounded, fused forms. The
// references round as the kernels do and sum in double. Nothing here runs without a device.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "engine/ops/ops_under_test.h"

namespace visavis::ops {
namespace {

// On the first device; nullptr, and one line why, without one.
std::unique_ptr<Ops> device() {
  if (cuda_kernel_names().empty()) return nullptr;
  return make_cuda_ops({});
}
std::unique_ptr<Ops> device_with_host_views() {
  if (cuda_kernel_names().empty()) return nullptr;
  return std::make_unique<HostViews>(make_cuda_ops({}));
}

// int4 or int8 in groups of 128 whose input may be rounded.
Weight rounding(base::Rng& rng, int bits, int64_t rows, int64_t cols) {
  const int64_t groups = tensor::groups_of(cols, 128);
  const int64_t bytes = rows * ((cols * bits + 7) / 8);
  Buffer codes = Buffer::host(bytes);
  for (int64_t i = 0; i < bytes; ++i) codes.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
  Buffer scales = Buffer::host(rows * groups * 2);
  for (int64_t i = 0; i < rows * groups; ++i)
    scales.as<tensor::F16>()[i] = tensor::to_f16(static_cast<float>(rng.uniform() * 0.2 - 0.1));
  if (bits == 8)
    return {"w", rows, cols,
            tensor::Int8{.group = 128,
                         .codes = std::move(codes),
                         .scales = std::move(scales),
                         .round_input = true}};
  tensor::Int4 int4;
  int4.codes = std::move(codes);
  int4.scales = std::move(scales);
  int4.round_input = true;
  return {"w", rows, cols, std::move(int4)};
}

// Rows of x (times a norm's weight), rounded to 255 levels per 128 columns; then over their RMS.
std::vector<double> rounded(std::span<const float> x, int64_t cols, const Tensor* norm,
                            double eps) {
  std::vector<double> out;
  for (size_t row = 0; row < x.size(); row += static_cast<size_t>(cols)) {
    double squares = 0;
    for (int64_t c = 0; c < cols; ++c) squares += std::pow(double{x[row + c]}, 2);
    const double over =
        norm == nullptr ? 1 : 1 / std::sqrt(squares / static_cast<double>(cols) + eps);
    for (int64_t begin = 0; begin < cols; begin += 128) {
      const int64_t end = std::min(cols, begin + 128);
      const auto value = [&](int64_t c) {
        return norm == nullptr ? x[row + c] : x[row + c] * (*norm)[c];
      };
      float size = 0;
      for (int64_t c = begin; c < end; ++c) size = std::max(size, std::abs(value(c)));
      for (int64_t c = begin; c < end; ++c)
        out.push_back(
            size == 0 ? 0 : std::nearbyint(value(c) * (127.0f / size)) * double{size} / 127 * over);
    }
  }
  return out;
}

std::vector<double> product(std::span<const double> x, const Weight& weight) {
  const auto cols = static_cast<size_t>(weight.cols);
  const auto rows = static_cast<size_t>(weight.rows);
  std::vector<double> y(x.size() / cols * rows);
  std::vector<float> row(cols);
  for (size_t r = 0; r < rows; ++r) {
    tensor::dequantize_row(weight, static_cast<int64_t>(r), row);
    for (size_t i = 0; i < x.size() / cols; ++i)
      for (size_t c = 0; c < cols; ++c) y[i * rows + r] += x[i * cols + c] * double{row[c]};
  }
  return y;
}

// Rows, columns: short last groups, rows that fill no tile, fewer columns than a block has warps.
constexpr std::array<std::array<int64_t, 2>, 6> kShapes = {
    {{16, 256}, {17, 512}, {40, 1760}, {333, 224}, {21, 4096}, {24, 12288}}};

TEST(Generation, LinearIsTheProductOfTheRoundedInput) {
  const std::unique_ptr<Ops> ops = device_with_host_views();
  if (ops == nullptr) GTEST_SKIP() << "no CUDA device";
  base::Rng rng(31);
  for (const int bits : {4, 8})
    for (const auto [rows, cols] : kShapes) {
      const Weight weight = rounding(rng, bits, rows, cols);
      const Tensor x = Tensor::random(rng, {8, cols}, 3);
      x[3] = 1e4f;
      for (int64_t c = 0; c < std::min<int64_t>(cols, 300); ++c) x[cols + c] = 0;
      const Tensor bias = Tensor::random(rng, {rows});
      const Tensor old = Tensor::random(rng, {8, rows});
      std::vector<double> wanted = product(rounded(x.values(), cols, nullptr, 0), weight);
      for (size_t i = 0; i < wanted.size(); ++i)
        wanted[i] +=
            double{old[static_cast<int64_t>(i)]} + double{bias[static_cast<int64_t>(i) % rows]};
      std::vector<float> of_eight;
      for (int64_t n = 8; n >= 1; --n) {
        const Tensor y = old.copy();
        const MutView some = tensor::slice_rows(y.view(), 0, n);
        ops->linear(tensor::slice_rows(x.view(), 0, n), weight, {.bias = bias, .accumulate = true},
                    some);
        const std::span<const float> got = y.values().first(static_cast<size_t>(n * rows));
        EXPECT_LE(relative_distance(got, std::span(wanted).first(got.size())), 1e-6)
            << bits << " bits [" << rows << ", " << cols << "] on " << n;
        if (n == 8) of_eight = y.to_vector();
        for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], of_eight[i]) << n;
      }
    }
}

TEST(Generation, ProjectionsShareTheNormedRoundedInput) {
  const std::unique_ptr<Ops> ops = device_with_host_views();
  if (ops == nullptr) GTEST_SKIP() << "no CUDA device";
  base::Rng rng(32);
  for (const int64_t n : {1, 2, 5, 8})
    for (const auto [rows, cols] : kShapes) {
      const Weight q = rounding(rng, 4, rows, cols);
      const Weight k = rounding(rng, 4, 19, cols);
      const Weight v = rounding(rng, 4, 16, cols);
      const Tensor x = Tensor::random(rng, {n, cols}, 30);
      const Tensor norm = Tensor::random(rng, {cols});
      const Tensor bias = Tensor::random(rng, {19});
      const Tensor y_q = Tensor::poisoned({n, rows});
      const Tensor y_k = Tensor::poisoned({n, 19});
      const Tensor y_v = Tensor::poisoned({n, 16});
      tensor::Arena arena(Buffer::host(1 << 20));
      ops->project(x, {.weight = norm, .eps = 1e-5f},
                   std::vector<Projection>{{.weight = &q, .y = y_q},
                                           {.weight = &k, .bias = bias, .y = y_k},
                                           {.weight = &v, .y = y_v}},
                   arena);
      const std::vector<double> input = rounded(x.values(), cols, &norm, 1e-5);
      std::vector<double> wanted_k = product(input, k);
      for (size_t i = 0; i < wanted_k.size(); ++i)
        wanted_k[i] += double{bias[static_cast<int64_t>(i) % 19]};
      EXPECT_LE(relative_distance(y_q.values(), product(input, q)), 1e-6) << rows << " " << cols;
      EXPECT_LE(relative_distance(y_k.values(), wanted_k), 1e-6) << rows << " " << cols;
      EXPECT_LE(relative_distance(y_v.values(), product(input, v)), 1e-6) << rows << " " << cols;
    }
}

TEST(Generation, GatedMlpIsDownOfSiluGateTimesUp) {
  const std::unique_ptr<Ops> ops = device_with_host_views();
  if (ops == nullptr) GTEST_SKIP() << "no CUDA device";
  base::Rng rng(33);
  for (const int64_t n : {1, 3, 8}) {
    constexpr int64_t kWidth = 512;
    constexpr int64_t kMiddle = 1248;  // a short last group
    const Weight gate = rounding(rng, 4, kMiddle, kWidth);
    const Weight up = rounding(rng, 4, kMiddle, kWidth);
    const Weight down = rounding(rng, 4, kWidth, kMiddle);
    const Tensor x = Tensor::random(rng, {n, kWidth}, 3);
    const Tensor norm = Tensor::random(rng, {kWidth}, 0.1f);
    const std::vector<double> input = rounded(x.values(), kWidth, &norm, 1e-6);
    const std::vector<double> gated = product(input, gate);
    const std::vector<double> raised = product(input, up);
    std::vector<float> middle;
    for (size_t i = 0; i < gated.size(); ++i)
      middle.push_back(static_cast<float>(gated[i] / (1 + std::exp(-gated[i])) * raised[i]));
    std::vector<double> wanted = product(rounded(middle, kMiddle, nullptr, 0), down);
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] += double{x[static_cast<int64_t>(i)]};
    tensor::Arena arena(Buffer::host(1 << 20));
    ops->gated_mlp(x, {.weight = norm, .eps = 1e-6f}, gate, up, down, true, arena, x);
    // A value in the middle of two levels may go either way.
    EXPECT_LE(relative_distance(x.values(), wanted), 1e-3) << n;
    EXPECT_EQ(arena.used(), 0);
  }
}

// One new row per sequence, against the single operations.
struct RotaryCase {
  int64_t kv_heads, group, dim;
  DType dtype;
  bool normed;
  std::vector<int32_t> lengths;
};

void check_rotary(Ops& ops, const RotaryCase& c) {
  base::Rng rng(34);
  constexpr int64_t kPage = 64;
  const auto n = static_cast<int64_t>(c.lengths.size());
  const int32_t longest = *std::max_element(c.lengths.begin(), c.lengths.end());
  const int64_t max_pages = longest / kPage + 2;
  const int64_t pages = n * max_pages;
  std::vector<int32_t> table;
  for (int32_t page = 0; page < pages; ++page) table.push_back(page);
  rng.shuffle(table);
  std::vector<int32_t> positions;
  std::vector<int32_t> slots;
  std::vector<int32_t> start = {0};
  for (int32_t axis = 0; axis < 3; ++axis)
    for (const int32_t length : c.lengths)
      positions.push_back(axis == 1 && !c.normed ? length % 2 : length - 1 + 5 * axis);
  for (int64_t s = 0; s < n; ++s) {
    const int32_t at = c.lengths[static_cast<size_t>(s)] - 1;
    slots.push_back(table[static_cast<size_t>(s * max_pages + at / kPage)] * kPage + at % kPage);
    start.push_back(static_cast<int32_t>(s + 1));
  }
  const Tensor t_table = Tensor::ints(table);
  const Tensor t_positions = Tensor::ints(positions);
  const Tensor t_slots = Tensor::ints(slots);
  const Tensor t_start = Tensor::ints(start);
  const Tensor t_lengths = Tensor::ints(c.lengths);
  // Beyond the bound that a step is recorded with, too.
  const StepBatch batch = {.tokens = n,
                           .sequences = n,
                           .longest_query = 1,
                           .longest_context = max_pages * kPage,
                           .ids = {},
                           .positions = {DType::i32, {3, n}, t_positions.view().data},
                           .query_start = t_start,
                           .kv_length = t_lengths,
                           .page_table = {DType::i32, {n, max_pages}, t_table.view().data},
                           .slots = t_slots};
  const auto cache = [&] {
    Tensor values(c.dtype, {pages, c.kv_heads, kPage, c.dim});
    for (int64_t i = 0; i < values.view().shape.elements(); ++i) {
      const auto value = static_cast<float>(rng.uniform() * 2 - 1);
      if (c.dtype == DType::f32) values.view().as<float>()[i] = value;
      if (c.dtype == DType::f16) values.view().as<tensor::F16>()[i] = tensor::to_f16(value);
      if (c.dtype == DType::i8) values.view().as<int8_t>()[i] = static_cast<int8_t>(value * 127);
    }
    return values;
  };
  const auto scales = [&] {
    Tensor values(DType::f32, {pages, c.kv_heads, kPage});
    for (float& value : values.values()) value = static_cast<float>(rng.uniform() * 0.02);
    return values;
  };
  const Tensor k_cache = cache();
  const Tensor v_cache = cache();
  const Tensor k_scales = scales();
  const Tensor v_scales = scales();
  const auto view = [&](const Tensor& k, const Tensor& v, const Tensor& ks, const Tensor& vs) {
    KvView kv = {.dtype = c.dtype,
                 .pages = pages,
                 .page_size = kPage,
                 .kv_heads = c.kv_heads,
                 .head_dim = c.dim,
                 .k = {c.dtype, {pages, c.kv_heads, c.dim, kPage}, k.view().data},
                 .v = v,
                 .k_scales = {},
                 .v_scales = {}};
    if (c.dtype == DType::i8) {
      kv.k_scales = ks;
      kv.v_scales = vs;
    }
    return kv;
  };
  const int64_t heads = c.kv_heads * c.group;
  const Tensor q = Tensor::random(rng, {n, heads, c.dim}, 3);
  const Tensor k = Tensor::random(rng, {n, c.kv_heads, c.dim}, 3);
  const Tensor v = Tensor::random(rng, {n, c.kv_heads, c.dim}, 3);
  const Tensor q_norm = Tensor::random(rng, {c.dim});
  const Tensor k_norm = Tensor::random(rng, {c.dim});
  // Without norms, two sets of frequencies between which a token's row chooses.
  RopeTable rope;
  for (int64_t j = 0; j < c.dim / 2; ++j) {
    rope.inv_freq.push_back(std::pow(1e-4f, static_cast<float>(j) / static_cast<float>(c.dim / 2)));
    rope.axis.push_back(static_cast<uint8_t>(c.normed ? j % 3 : 0));
  }
  for (int64_t j = 0; !c.normed && j < c.dim / 2; ++j)
    rope.inv_freq.push_back(rope.inv_freq[static_cast<size_t>(j)] * 0.9f);
  RotaryInput input;
  input.rope = &rope;
  if (c.normed) {
    input.q_norm = {.weight = q_norm, .eps = 1e-6f};
    input.k_norm = {.weight = k_norm, .eps = 1e-6f};
  }
  const std::vector<Tensor> twins = [&] {
    std::vector<Tensor> copies;
    for (const Tensor* each : {&k_cache, &v_cache, &k_scales, &v_scales, &q, &k})
      copies.push_back(each->copy());
    return copies;
  }();
  const Tensor y = Tensor::poisoned({n, heads, c.dim});
  const Tensor wanted = Tensor::poisoned({n, heads, c.dim});
  ops.rotary_attention(q, k, v, input, batch, view(k_cache, v_cache, k_scales, v_scales), 0.1f, y);
  ops.Ops::rotary_attention(twins[4], twins[5], v, input, batch,
                            view(twins[0], twins[1], twins[2], twins[3]), 0.1f, wanted);
  const std::vector<double> expected(wanted.values().begin(), wanted.values().end());
  // An int8 value in the middle of two levels may go either way.
  EXPECT_LE(relative_distance(y.values(), expected), c.dtype == DType::i8 ? 2e-3 : 2e-5)
      << tensor::name_of(c.dtype) << " " << c.kv_heads << " x " << c.group << " heads of " << c.dim;
  int64_t differ = 0;
  for (const auto& [one, other] : {std::pair{&k_cache, &twins[0]}, std::pair{&v_cache, &twins[1]}})
    for (int64_t i = 0; i < one->view().bytes(); ++i)
      differ += one->view().data[i] != other->view().data[i] ? 1 : 0;
  // The new rows alone may differ, by a rounding here and there.
  EXPECT_LE(differ, n * c.kv_heads * c.dim * 2 * tensor::size_of(c.dtype))
      << tensor::name_of(c.dtype);
}

TEST(Generation, RotaryAttentionIsItsPartsOneAfterTheOther) {
  const std::unique_ptr<Ops> ops = device_with_host_views();
  if (ops == nullptr) GTEST_SKIP() << "no CUDA device";
  for (const DType dtype : {DType::f32, DType::f16, DType::i8})
    for (const RotaryCase& c :
         std::vector<RotaryCase>{{2, 4, 128, dtype, true, {1, 64, 65, 700}},
                                 {3, 1, 128, dtype, false, {129, 63, 1100}},
                                 {2, 2, 64, dtype, true, {200}},
                                 {1, 8, 64, dtype, false, {5, 128}},
                                 {2, 8, 128, dtype, true, {333, 2000}},
                                 {2, 3, 128, dtype, true, {70}},  // no fused kernel
                                 {2, 2, 32, dtype, true, {70}}})
      check_rotary(*ops, c);
}

TEST(Generation, RecordedStepsReadWhatIsInMemoryWhenTheyAreReplayed) {
  const std::unique_ptr<Ops> ops = device();
  if (ops == nullptr) GTEST_SKIP() << "no CUDA device";
  Buffer x_memory = ops->allocate(64 * sizeof(float));
  Buffer y_memory = ops->allocate(64 * sizeof(float));
  const MutView x{DType::f32, {64}, x_memory.data()};
  const MutView y{DType::f32, {64}, y_memory.data()};
  std::vector<float> values(64, 0.0f);
  ops->upload(values.data(), x);
  float sum = 0;
  int calls = 0;
  for (int round = 1; round <= 6; ++round) {
    std::fill(values.begin(), values.end(), static_cast<float>(round));
    ops->upload(values.data(), y);
    ops->run_step(77, [&] {
      ++calls;
      ops->add(y, x);
    });
    sum += static_cast<float>(round);
    ops->download(x, values.data());
    EXPECT_EQ(values, std::vector<float>(64, sum)) << "round " << round;
  }
  EXPECT_EQ(calls, 2);  // as it is, then for the recording
  // A step that cannot be recorded says so, and others still run.
  ops->run_step(78, [&] { ops->add(y, x); });
  EXPECT_THROW(ops->run_step(78, [&] { throw Error("no"); }), Error);
  ops->run_step(0, [&] { ops->add(y, x); });
  ops->download(x, values.data());
  EXPECT_EQ(values, std::vector<float>(64, sum + 12));
}

}  // namespace
}  // namespace visavis::ops
