// Norms, gating, rotation, position grids and the operations that move rows, against double.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "engine/ops/ops_under_test.h"

namespace visavis::ops {
namespace {

TEST(Norm, EqualsItsDefinitionInDouble) {
  for (const OpsUnderTest& variant : every_ops()) {
    for (const int64_t cols : {1, 4, 17, 64, 128, 1152, 2561}) {
      base::Rng rng(static_cast<uint64_t>(cols));
      const Tensor x = Tensor::random(rng, {5, cols}, 3);
      for (int64_t c = 0; c < cols; ++c) x[c] *= 1e-3f;  // a row whose eps matters
      const Tensor weight = Tensor::random(rng, {cols});
      const Tensor bias = Tensor::random(rng, {cols});
      std::vector<double> rms;
      std::vector<double> layer;
      for (int64_t i = 0; i < 5; ++i) {
        double sum = 0;
        double squares = 0;
        for (int64_t c = 0; c < cols; ++c) {
          sum += static_cast<double>(x[i * cols + c]);
          squares += std::pow(static_cast<double>(x[i * cols + c]), 2);
        }
        const auto count = static_cast<double>(cols);
        const double mean = sum / count;
        double off = 0;
        for (int64_t c = 0; c < cols; ++c)
          off += std::pow(static_cast<double>(x[i * cols + c]) - mean, 2);
        for (int64_t c = 0; c < cols; ++c) {
          const auto value = static_cast<double>(x[i * cols + c]);
          rms.push_back(value / std::sqrt(squares / count + 1e-5) * static_cast<double>(weight[c]));
          layer.push_back((value - mean) / std::sqrt(off / count + 1e-5) *
                              static_cast<double>(weight[c]) +
                          static_cast<double>(bias[c]));
        }
      }
      const Tensor y = Tensor::poisoned({5, cols});
      variant.ops->rms_norm(x, weight, 1e-5f, y);
      EXPECT_LE(relative_distance(y.values(), rms), 1e-6) << variant.name << " " << cols;
      const Tensor z = Tensor::poisoned({5, cols});
      variant.ops->layer_norm(x, weight, bias, 1e-5f, z);
      EXPECT_LE(relative_distance(z.values(), layer), 1e-6) << variant.name << " " << cols;
      const Tensor in_place = x.copy();
      variant.ops->rms_norm(in_place, weight, 1e-5f, in_place);
      EXPECT_LE(relative_distance(in_place.values(), rms), 1e-6) << variant.name << " " << cols;
    }
  }
}

TEST(SiluMultiply, EqualsItsDefinitionAlsoForLargeValues) {
  for (const OpsUnderTest& variant : every_ops()) {
    for (const int64_t count : {1, 15, 16, 100, 4099}) {
      base::Rng rng(static_cast<uint64_t>(count));
      const Tensor gate = Tensor::random(rng, {count}, 20);
      if (count > 20) {
        gate[3] = -200;  // exp overflows: the result is zero, not NaN
        gate[4] = 200;
        gate[5] = 1e-40f;
      }
      const Tensor up = Tensor::random(rng, {count});
      std::vector<double> wanted;
      for (int64_t i = 0; i < count; ++i) {
        const auto g = static_cast<double>(gate[i]);
        wanted.push_back(g / (1 + std::exp(-g)) * static_cast<double>(up[i]));
      }
      variant.ops->silu_multiply(gate, up);
      EXPECT_LE(relative_distance(gate.values(), wanted), 1e-6) << variant.name << " " << count;
    }
  }
}

TEST(Rope, RotatesEveryPairByItsAxisPosition) {
  for (const OpsUnderTest& variant : every_ops()) {
    for (const int64_t pairs : {8, 10, 32, 36, 64}) {
      base::Rng rng(static_cast<uint64_t>(pairs));
      RopeTable table;
      for (int64_t j = 0; j < pairs; ++j) {
        table.inv_freq.push_back(static_cast<float>(
            std::pow(1e4, -static_cast<double>(j) / static_cast<double>(pairs))));
        table.axis.push_back(static_cast<uint8_t>(j % 3));
      }
      // The second round has other positions of the same count: nothing may be left over.
      for (int round = 0; round < 2; ++round) {
        const int64_t tokens = 7;
        const int64_t heads = 3;
        std::vector<int32_t> positions;
        for (int64_t i = 0; i < 3 * tokens; ++i)
          positions.push_back(static_cast<int32_t>(rng.below(2000)));
        const Tensor x = Tensor::random(rng, {tokens, heads, 2 * pairs});
        std::vector<double> wanted(x.values().size());
        for (int64_t t = 0; t < tokens; ++t)
          for (int64_t h = 0; h < heads; ++h)
            for (int64_t j = 0; j < pairs; ++j) {
              const auto first = static_cast<size_t>((t * heads + h) * 2 * pairs + j);
              const size_t second = first + static_cast<size_t>(pairs);
              // The angle is rounded to f32, as the oracle's is.
              const auto angle = static_cast<double>(
                  static_cast<float>(positions[static_cast<size_t>(j % 3 * tokens + t)]) *
                  table.inv_freq[static_cast<size_t>(j)]);
              const auto a = static_cast<double>(x.values()[first]);
              const auto b = static_cast<double>(x.values()[second]);
              wanted[first] = a * std::cos(angle) - b * std::sin(angle);
              wanted[second] = b * std::cos(angle) + a * std::sin(angle);
            }
        variant.ops->rope(table, Tensor::ints(positions), x);
        EXPECT_LE(relative_distance(x.values(), wanted), 1e-6) << variant.name << " " << pairs;
      }
    }
  }
}

TEST(Rope, TakesTheFrequenciesThatATokensRowNames) {
  constexpr int64_t kPairs = 16;
  constexpr int64_t kTokens = 9;
  RopeTable sets[3];
  RopeTable all;
  for (int64_t set = 0; set < 3; ++set)
    for (int64_t j = 0; j < kPairs; ++j) {
      const auto frequency = static_cast<float>(
          std::pow(1e4 * static_cast<double>(set + 1), -static_cast<double>(j) / kPairs));
      sets[set].inv_freq.push_back(frequency);
      sets[set].axis.push_back(0);
      all.inv_freq.push_back(frequency);
      if (set == 0) all.axis.push_back(0);
    }
  for (const OpsUnderTest& variant : every_ops()) {
    base::Rng rng(3);
    const Tensor x = Tensor::random(rng, {kTokens, 2, 2 * kPairs});
    std::vector<int32_t> positions(3 * kTokens);
    for (int64_t t = 0; t < kTokens; ++t) {
      positions[static_cast<size_t>(t)] = static_cast<int32_t>(rng.below(2000));
      positions[static_cast<size_t>(kTokens + t)] = static_cast<int32_t>(t * 2 % 3);
    }
    const Tensor mixed = x.copy();
    variant.ops->rope(all, Tensor::ints(positions), mixed);
    for (int64_t set = 0; set < 3; ++set) {
      const Tensor one = x.copy();
      variant.ops->rope(sets[set], Tensor::ints(positions), one);
      for (int64_t t = 0; t < kTokens; ++t)
        for (int64_t i = t * 4 * kPairs; t * 2 % 3 == set && i < (t + 1) * 4 * kPairs; ++i)
          EXPECT_EQ(mixed[i], one[i]) << variant.name << " token " << t;
    }
  }
  base::Rng rng(3);
  const auto ops = make_cpu_ops({.threads = 1});
  EXPECT_THROW(ops->rope(all, Tensor::ints({5, 3, 0}), Tensor::random(rng, {1, 2, 2 * kPairs})),
               Error);
}

TEST(ScaleBeyond, ScalesTheTokensBeyondTheLengthByTheLogarithmOfTheirPosition) {
  for (const OpsUnderTest& variant : every_ops()) {
    base::Rng rng(4);
    const std::vector<int32_t> positions = {0,    62,   63,   64, 8191, 65, 1, 1, 1,
                                            9999, 9999, 9999, 0,  0,    0,  0, 0, 0};
    const Tensor x = Tensor::random(rng, {6, 3, 5});
    std::vector<double> wanted;
    for (int64_t i = 0; i < 6 * 15; ++i) {
      const double p = positions[static_cast<size_t>(i / 15)];
      const double scale = p + 1 > 64 ? std::log(p + 1) / std::log(64.0) : 1;
      wanted.push_back(static_cast<double>(x[i]) * scale);
    }
    variant.ops->scale_beyond(64, Tensor::ints(positions), x);
    EXPECT_LE(relative_distance(x.values(), wanted), 1e-6) << variant.name;
    EXPECT_THROW(variant.ops->scale_beyond(1, Tensor::ints(positions), x), Error);
    EXPECT_THROW(variant.ops->scale_beyond(64, Tensor::ints({1, 2}), x), Error);
  }
}

TEST(Rows, AddSetGatherAndEmbedMoveTheRightRows) {
  for (const OpsUnderTest& variant : every_ops()) {
    base::Rng rng(5);
    const Tensor x = Tensor::random(rng, {6, 5});
    const Tensor y = Tensor::random(rng, {3, 5});
    const Tensor rows = Tensor::ints({0, 2, 5});
    const std::vector<int64_t> at = {0, 2, 5};

    const Tensor added = x.copy();
    variant.ops->add_rows(y, rows, added);
    const Tensor set = x.copy();
    variant.ops->set_rows(y, rows, set);
    const Tensor gathered = Tensor::poisoned({3, 5});
    variant.ops->gather_rows(x, rows, gathered);
    const Tensor sum = x.copy();
    variant.ops->add(x, sum);
    for (int64_t i = 0; i < 6; ++i) {
      const auto hit = std::find(at.begin(), at.end(), i);
      for (int64_t c = 0; c < 5; ++c) {
        const float old = x[i * 5 + c];
        EXPECT_EQ(sum[i * 5 + c], old + old);
        if (hit == at.end()) {
          EXPECT_EQ(added[i * 5 + c], old);
          EXPECT_EQ(set[i * 5 + c], old);
          continue;
        }
        const int64_t j = hit - at.begin();
        EXPECT_EQ(added[i * 5 + c], old + y[j * 5 + c]);
        EXPECT_EQ(set[i * 5 + c], y[j * 5 + c]);
        EXPECT_EQ(gathered[j * 5 + c], old);
      }
    }

    tensor::Dense table{.dtype = DType::f32, .values = Buffer::host(6 * 5 * 4)};
    std::copy(x.values().begin(), x.values().end(), table.values.as<float>());
    const Weight embedding{"embedding", 6, 5, std::move(table)};
    const Tensor embedded = Tensor::poisoned({4, 5});
    variant.ops->embed(embedding, Tensor::ints({5, 0, 0, 3}), embedded);
    for (int64_t c = 0; c < 5; ++c) {
      EXPECT_EQ(embedded[c], x[5 * 5 + c]);
      EXPECT_EQ(embedded[5 + c], x[c]);
      EXPECT_EQ(embedded[10 + c], x[c]);
      EXPECT_EQ(embedded[15 + c], x[3 * 5 + c]);
    }
  }
}

TEST(PositionGrid, IsSampledBilinearlyInMergeOrder) {
  const int64_t side = 5;
  const int64_t dim = 3;
  for (const OpsUnderTest& variant : every_ops()) {
    base::Rng rng(9);
    const Tensor grid = Tensor::random(rng, {side * side, dim});
    for (const auto& [h, w] : std::vector<std::pair<int64_t, int64_t>>{{4, 6}, {2, 2}, {10, 8}}) {
      const Tensor y = Tensor::random(rng, {h * w, dim});
      std::vector<double> wanted;
      int64_t i = 0;
      for (int64_t block_row = 0; block_row < h; block_row += 2)
        for (int64_t block_col = 0; block_col < w; block_col += 2)
          for (int64_t inside = 0; inside < 4; ++inside, ++i) {
            const auto at = [&](int64_t index, int64_t count) {
              return static_cast<double>(index * (side - 1)) / static_cast<double>(count - 1);
            };
            const double r = at(block_row + inside / 2, h);
            const double c = at(block_col + inside % 2, w);
            for (int64_t d = 0; d < dim; ++d) {
              double value = static_cast<double>(y[i * dim + d]);
              // The hat function of every grid point: bilinear interpolation without corners.
              for (int64_t gr = 0; gr < side; ++gr)
                for (int64_t gc = 0; gc < side; ++gc)
                  value += std::max(0.0, 1 - std::abs(r - static_cast<double>(gr))) *
                           std::max(0.0, 1 - std::abs(c - static_cast<double>(gc))) *
                           static_cast<double>(grid[(gr * side + gc) * dim + d]);
              wanted.push_back(value);
            }
          }
      variant.ops->add_position_grid(grid, side, h, w, 2, y);
      EXPECT_LE(relative_distance(y.values(), wanted), 1e-6) << h << " x " << w;
    }
  }
}

TEST(CutPatches, PutsEveryLevelWhereTheLayoutSays) {
  base::Rng rng(11);
  const int64_t height = 31;  // the last rows and columns belong to no patch
  const int64_t width = 50;
  const Tensor pixels(DType::u8, {height, width, 3});
  for (int64_t i = 0; i < pixels.view().shape.elements(); ++i)
    pixels.view().as<uint8_t>()[i] = static_cast<uint8_t>(rng.below(256));
  const Tensor levels = Tensor::random(rng, {3, kLevels});
  const PatchLayout merged{
      .grid_h = 4, .grid_w = 6, .patch_h = 7, .patch_w = 8, .merge = 2, .copies = 2};
  const PatchLayout plain{.grid_h = 10, .grid_w = 7, .patch_h = 3, .patch_w = 7};
  const PatchLayout whole{.grid_h = 1, .grid_w = 1, .patch_h = height, .patch_w = width};
  for (const OpsUnderTest& variant : every_ops()) {
    for (const PatchLayout& layout : {merged, plain, whole}) {
      const Tensor y = Tensor::poisoned({layout.rows(), layout.row_values()});
      variant.ops->cut_patches(pixels, levels, layout, y);
      const int64_t merge = layout.merge;
      for (int64_t py = 0; py < layout.grid_h; ++py)
        for (int64_t px = 0; px < layout.grid_w; ++px) {
          const int64_t block = py / merge * (layout.grid_w / merge) + px / merge;
          const int64_t row = (block * merge + py % merge) * merge + px % merge;
          for (int64_t i = 0; i < layout.row_values(); ++i) {
            const int64_t x = px * layout.patch_w + i % layout.patch_w;
            const int64_t line = py * layout.patch_h + i / layout.patch_w % layout.patch_h;
            const int64_t channel = i / (layout.row_values() / 3);
            const uint8_t value = pixels.view().as<uint8_t>()[(line * width + x) * 3 + channel];
            ASSERT_EQ(y[row * layout.row_values() + i], levels[channel * kLevels + value])
                << variant.name << " patch " << py << "," << px << " value " << i;
          }
        }
    }
  }
}

TEST(ArgMax, TakesTheLowestIndexAmongEquals) {
  for (const OpsUnderTest& variant : every_ops()) {
    Tensor logits = Tensor::poisoned({3, 70});
    for (float& value : logits.values()) value = -1;
    logits[69] = 2;
    logits[70 + 5] = 3;
    logits[70 + 40] = 3;
    const Tensor ids = Tensor::ints({-1, -1, -1});
    variant.ops->arg_max(logits, ids);
    EXPECT_EQ(ids.view().i32()[0], 69);
    EXPECT_EQ(ids.view().i32()[1], 5);
    EXPECT_EQ(ids.view().i32()[2], 0);
  }
}

TEST(ArgMax, ChoosesNothingWhereALogitIsNoNumber) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr int64_t kCols = 40'000;
  base::Rng rng(8);
  for (const OpsUnderTest& variant : every_ops()) {
    const Tensor logits = Tensor::random(rng, {5, kCols});
    logits[123] = kInfinity;
    logits[kCols + 39'999] = std::numeric_limits<float>::quiet_NaN();
    logits[2 * kCols] = -std::numeric_limits<float>::quiet_NaN();
    logits[3 * kCols + 7] = -kInfinity;
    logits[3 * kCols + 8] = 5;
    for (int64_t c = 0; c < kCols; ++c) logits[4 * kCols + c] = -kInfinity;
    const Tensor ids = Tensor::ints({0, 0, 0, 0, 0});
    variant.ops->arg_max(logits, ids);
    const int32_t* chosen = ids.view().i32();
    EXPECT_EQ(std::vector<int32_t>(chosen, chosen + 5), (std::vector<int32_t>{-1, -1, -1, 8, -1}))
        << variant.name;
  }
}

TEST(Ops, RefusesShapesThatDoNotFit) {
  const std::unique_ptr<Ops> ops = make_cpu_ops({.threads = 1});
  base::Rng rng(1);
  const Tensor x = Tensor::random(rng, {2, 8});
  const Tensor y = Tensor::random(rng, {2, 7});
  EXPECT_THROW(ops->add(y, x), Error);
  EXPECT_THROW(ops->rms_norm(x, y, 1e-6f, x), Error);
  EXPECT_THROW(ops->silu_multiply(x, y), Error);
}

}  // namespace
}  // namespace visavis::ops
