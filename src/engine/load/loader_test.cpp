#include "engine/load/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "engine/load/loader_fixture.h"

namespace visavis::load {
namespace {

using tensor::DType;
using tensor::Weight;
using testing::HasSubstr;

std::vector<float> all_values(const Weight& weight) {
  std::vector<float> out(static_cast<size_t>(weight.rows * weight.cols));
  for (int64_t row = 0; row < weight.rows; ++row)
    tensor::dequantize_row(weight, row,
                           std::span(out).subspan(static_cast<size_t>(row * weight.cols),
                                                  static_cast<size_t>(weight.cols)));
  return out;
}

double relative_error(const std::vector<float>& got, const std::vector<float>& wanted) {
  double off = 0;
  double all = 0;
  EXPECT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    off += std::pow(got[i] - wanted[i], 2);
    all += std::pow(wanted[i], 2);
  }
  return std::sqrt(off / all);
}

template <class Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was refused)";
}

TEST(WeightLoader, KeepsTheValuesInEveryPrecisionAndType) {
  struct Wanted {
    Precision precision;
    double decoder_error;
    double head_error;
    double vision_error;
  };
  // Uniform values: int4's step is a 15th of the range, bf16 has 8 bits of mantissa, f16 11.
  const Wanted table[] = {{Precision::f32, 0, 0, 0},
                          {Precision::f16, 5e-4, 5e-4, 5e-4},
                          {Precision::bf16, 3e-3, 3e-3, 3e-3},
                          {Precision::int8, 6e-3, 6e-3, 3e-3},
                          {Precision::int4, 0.08, 6e-3, 3e-3}};
  Machine machine;
  for (const DType stored : {DType::f32, DType::bf16, DType::f16}) {
    Checkpoint checkpoint;
    const auto& source = checkpoint.add("w", stored, {37, 301}).open();
    for (const Wanted& wanted : table) {
      WeightLoader loader = machine.loader(source, {.body = wanted.precision});
      const std::vector<float>& values = checkpoint.values.at("w");
      EXPECT_LE(relative_error(all_values(loader.linear("w", 37, 301, Role::decoder)), values),
                wanted.decoder_error);
      EXPECT_LE(relative_error(all_values(loader.linear("w", 37, 301, Role::head)), values),
                wanted.head_error);
      EXPECT_LE(relative_error(all_values(loader.linear("w", 37, 301, Role::vision)), values),
                wanted.vision_error);
      EXPECT_EQ(relative_error(all_values(loader.embedding("w", 37, 301)), values), 0);
    }
  }
}

TEST(WeightLoader, ThreadsAndBlocksChangeNothing) {
  // 9 MB of f32 rows: more than one block.
  Checkpoint checkpoint;
  const auto& source = checkpoint.add("w", DType::f32, {2304, 1024}).open();
  Machine machine;
  base::ThreadPool one(1);
  WeightLoader alone(source, {}, *machine.ops, one);
  const Weight first = alone.linear("w", 2304, 1024, Role::decoder);
  const Weight second = machine.loader(source, {}).linear("w", 2304, 1024, Role::decoder);
  EXPECT_EQ(all_values(first), all_values(second));
  EXPECT_LE(relative_error(all_values(first), checkpoint.values.at("w")), 0.08);
}

TEST(WeightLoader, ThePlannerCountsExactlyWhatLoadingTakes) {
  Checkpoint checkpoint;
  const auto& source = checkpoint.add("embed", DType::bf16, {100, 256})
                           .add("q", DType::bf16, {64, 256})
                           .add("k", DType::bf16, {32, 256})
                           .add("patch", DType::bf16, {48, 3, 2, 4, 4})
                           .add("norm", DType::bf16, {256})
                           .open();
  Machine machine;
  for (const Precision precision :
       {Precision::f32, Precision::bf16, Precision::int8, Precision::int4}) {
    const WeightPolicy policy{.body = precision};
    WeightLoader planner = WeightLoader::planner(source, policy);
    int64_t seen_done = 0;
    int64_t seen_total = 0;
    const auto walk = [&](WeightLoader& loader) {
      int64_t bytes = 0;
      bytes += loader.embedding("embed", 100, 256).bytes();
      bytes += loader.linear("embed", 100, 256, Role::head).bytes();
      bytes += loader.stacked({"q", "k"}, {64, 32}, 256, Role::decoder).bytes();
      bytes += loader.linear("patch", 48, 96, Role::vision).bytes();
      bytes += loader.vector("norm", 256, Role::decoder).bytes();
      return bytes;
    };
    EXPECT_EQ(walk(planner), 0) << "a planner allocates nothing";
    WeightLoader loader = machine.loader(
        source, policy,
        [&](int64_t done, int64_t total) {
          EXPECT_GE(done, seen_done);
          seen_done = done;
          seen_total = total;
        },
        planner.planned());
    EXPECT_EQ(walk(loader), planner.bytes());
    EXPECT_EQ(loader.bytes(), planner.bytes());
    EXPECT_EQ(loader.vision_bytes(), planner.vision_bytes());
    EXPECT_GT(planner.vision_bytes(), 0);
    EXPECT_EQ(seen_done, planner.stored_bytes());
    EXPECT_EQ(seen_total, planner.stored_bytes());
    ASSERT_EQ(planner.planned().size(), 6u);
    EXPECT_EQ(planner.planned()[0].name, "embed");
    EXPECT_TRUE(planner.planned()[0].mapped);
    EXPECT_EQ(planner.planned()[5].layout, "f32");
  }
}

TEST(WeightLoader, StacksTensorsBelowEachOther) {
  Checkpoint checkpoint;
  const auto& source =
      checkpoint.add("gate", DType::bf16, {5, 64}).add("up", DType::f32, {7, 64}).open();
  Machine machine;
  WeightLoader loader = machine.loader(source, {.body = Precision::f32});
  const Weight both = loader.stacked({"gate", "up"}, {5, 7}, 64, Role::decoder);
  std::vector<float> wanted = checkpoint.values.at("gate");
  wanted.insert(wanted.end(), checkpoint.values.at("up").begin(), checkpoint.values.at("up").end());
  EXPECT_EQ(all_values(both), wanted);
  EXPECT_EQ(both.rows, 12);
}

TEST(WeightLoader, FoldsRowsWhileLoading) {
  Checkpoint checkpoint;
  const auto& source = checkpoint.add("patch", DType::f32, {4, 2, 3}).open();
  Machine machine;
  WeightLoader loader = machine.loader(source, {.body = Precision::f32});
  const RowFold halves = [](std::span<const float> stored, std::span<float> kept) {
    for (size_t i = 0; i < 3; ++i) kept[i] = stored[i] + stored[i + 3];
  };
  const Weight folded = loader.folded("patch", 4, 6, 3, Role::vision, halves);
  const std::vector<float>& values = checkpoint.values.at("patch");
  const std::vector<float> got = all_values(folded);
  for (size_t row = 0; row < 4; ++row)
    for (size_t i = 0; i < 3; ++i)
      EXPECT_EQ(got[row * 3 + i], values[row * 6 + i] + values[row * 6 + i + 3]);
}

TEST(WeightLoader, VectorsBecomeFloatsOnTheDevice) {
  Checkpoint checkpoint;
  const auto& source = checkpoint.add("bias", DType::f16, {3, 5}).open();
  Machine machine;
  WeightLoader loader = machine.loader(source, {});
  const tensor::Buffer bias = loader.vector("bias", 15, Role::vision);
  ASSERT_EQ(bias.bytes(), 60);
  for (size_t i = 0; i < 15; ++i) EXPECT_EQ(bias.as<float>()[i], checkpoint.values.at("bias")[i]);
}

TEST(WeightLoader, TheTokenTableStaysInTheFileAndOutlivesTheSource) {
  Checkpoint checkpoint;
  const auto& source = checkpoint.add("embed", DType::bf16, {10, 16}).open();
  Machine machine;
  const Weight table = machine.loader(source, {}).embedding("embed", 10, 16);
  EXPECT_EQ(std::get<tensor::Dense>(table.layout).values.data(), source.read("embed").data);
  checkpoint.close();
  EXPECT_EQ(all_values(table), checkpoint.values.at("embed"));
}

TEST(WeightLoader, RefusesWhatIsNotThereOrNotWhatItShouldBe) {
  Checkpoint checkpoint;
  const auto& source = checkpoint.add("w", DType::bf16, {4, 8})
                           .add("codes", DType::i8, {4, 8})
                           .add("double", DType::f64, {4, 8})
                           .open();
  Machine machine;
  WeightLoader planner = WeightLoader::planner(source, {});
  EXPECT_FALSE(planner.has("q"));
  EXPECT_EQ(refusal([&] { planner.linear("q", 4, 8, Role::decoder); }),
            "the checkpoint has no tensor 'q'");
  EXPECT_EQ(refusal([&] { planner.linear("w", 8, 4, Role::decoder); }),
            "model.safetensors: tensor 'w' has shape [4, 8], wanted [8, 4]");
  EXPECT_EQ(refusal([&] { planner.linear("w", 4, 16, Role::decoder); }),
            "model.safetensors: tensor 'w' has shape [4, 8], wanted [4, 16]");
  EXPECT_EQ(refusal([&] { planner.linear("codes", 4, 8, Role::decoder); }),
            "model.safetensors: tensor 'codes' is i8, wanted f32, bf16 or f16");
  EXPECT_THAT(refusal([&] { planner.linear("double", 4, 8, Role::vision); }), HasSubstr("is f64"));
  EXPECT_THAT(refusal([&] { planner.vector("w", 31, Role::decoder); }),
              HasSubstr("wanted 31 values"));
  EXPECT_THAT(refusal([&] { planner.embedding("w", 5, 8); }), HasSubstr("wanted [5, 8]"));
  EXPECT_THAT(refusal([&] {
                planner.stacked({"w", "codes"}, {4, 4}, 8, Role::decoder);
              }),
              HasSubstr("'codes' is i8"));
}

TEST(WeightLoader, RefusesNumbersThatAreNoneOrDoNotFit) {
  for (const float bad : {NAN, INFINITY}) {
    Checkpoint checkpoint;
    checkpoint.add("w", DType::f32, {4, 40});
    checkpoint.spoil(77, bad);
    const auto& source = checkpoint.open();
    Machine machine;
    WeightLoader loader = machine.loader(source, {});
    const std::string wanted = "model.safetensors: tensor 'w' holds NaN or infinity";
    EXPECT_EQ(refusal([&] { loader.linear("w", 4, 40, Role::decoder); }), wanted);
    EXPECT_EQ(refusal([&] { loader.linear("w", 4, 40, Role::vision); }), wanted);
    EXPECT_EQ(refusal([&] { loader.embedding("w", 4, 40); }), wanted);
    EXPECT_EQ(refusal([&] { loader.vector("w", 160, Role::decoder); }), wanted);
  }
  Checkpoint checkpoint;
  checkpoint.add("w", DType::f32, {4, 40});
  checkpoint.spoil(77, 1e6f);
  const auto& source = checkpoint.open();
  Machine machine;
  EXPECT_THAT(refusal([&] {
                machine.loader(source, {.body = Precision::f16}).linear("w", 4, 40, Role::decoder);
              }),
              HasSubstr("tensor 'w' holds values that are too large for f16"));
}

}  // namespace
}  // namespace visavis::load
