// Layers in published formats that must be refused, each with one line that names what is wrong;
// and arithmetic that the small checkpoints of tests/e2e/formats_test.py do not reach.
#include "engine/quant/formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "engine/checkpoint/safetensors_writer.h"

namespace visavis::quant {
namespace {

using tensor::DType;
using tensor::Shape;
using testing::HasSubstr;

// A checkpoint folder of a few small tensors.
class Folder {
 public:
  template <class T>
  Folder& add(const std::string& name, DType dtype, const Shape& shape,
              const std::vector<T>& data) {
    specs_.push_back({name, dtype, shape});
    data_.emplace_back(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(T));
    return *this;
  }
  template <class T>
  Folder& fill(const std::string& name, DType dtype, const Shape& shape, T value) {
    return add(name, dtype, shape, std::vector<T>(static_cast<size_t>(shape.elements()), value));
  }
  std::unique_ptr<checkpoint::TensorSource> open(const base::Json& settings) {
    base::Json config = {{"architectures", {"None"}}};
    if (!settings.is_null()) config["quantization_config"] = settings;
    base::write_file_atomically(folder_->path() / "config.json", base::dump_json(config));
    checkpoint::SafetensorsWriter writer(folder_->path() / "model.safetensors", specs_);
    for (const std::string& bytes : data_) writer.write(std::as_bytes(std::span(bytes)));
    writer.finish();
    return open_tensors(folder_->path());
  }
  std::string refusal(const base::Json& settings) {
    try {
      open(settings);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "accepted";
  }

 private:
  // Movable.
  std::unique_ptr<base::TemporaryFolder> folder_ = std::make_unique<base::TemporaryFolder>();
  std::vector<checkpoint::TensorSpec> specs_;
  std::vector<std::string> data_;
};

const base::Json kPacked = {{"quant_method", "compressed-tensors"}, {"format", "pack-quantized"}};
const base::Json kAwq = {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 32}};
const base::Json kGptq = {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 32}};
const base::Json kFp8 = {{"quant_method", "fp8"}};
const base::Json kBnb = {{"quant_method", "bitsandbytes"}};

constexpr uint16_t kOne = 0x3C00;  // 1 as f16

Folder packed(int64_t rows = 8, int64_t cols = 64) {
  Folder folder;
  folder.fill<int32_t>("a.weight_packed", DType::i32, {rows, cols / 8}, 0x12345678)
      .fill<uint16_t>("a.weight_scale", DType::f16, {rows, cols / 32}, kOne)
      .add<int64_t>("a.weight_shape", DType::i64, {2}, {rows, cols});
  return folder;
}

TEST(Formats, SettingsAreRefusedByName) {
  Folder folder = packed();
  EXPECT_THAT(folder.refusal(nullptr), HasSubstr("'a.weight_packed' is in the codes of compressed-"
                                                 "tensors pack-quantized, but config.json has no"));
  EXPECT_THAT(
      folder.refusal({{"quant_method", "hqq"}}),
      HasSubstr("quant_method 'hqq' is not supported; known: compressed-tensors, fp8, awq"));
  EXPECT_THAT(folder.refusal({{"bits", 4}}), HasSubstr("key 'quant_method' is absent"));
  EXPECT_THAT(folder.refusal({{"quant_method", "compressed-tensors"}, {"format", "nvfp4"}}),
              HasSubstr("format is 'nvfp4'"));
}

TEST(PackQuantized, ShapesMustFit) {
  Folder wide = packed();
  EXPECT_EQ(wide.refusal(kPacked), "accepted");
  Folder narrow;
  narrow.fill<int32_t>("a.weight_packed", DType::i32, {8, 7}, 0)
      .fill<uint16_t>("a.weight_scale", DType::f16, {8, 2}, kOne)
      .add<int64_t>("a.weight_shape", DType::i64, {2}, {8, 64});
  EXPECT_THAT(narrow.refusal(kPacked),
              HasSubstr("model.safetensors: tensor 'a.weight_packed' has shape [8, 7], wanted "
                        "[8, 8] for 4 bits or [8, 16] for 8"));
  Folder scales;
  scales.fill<int32_t>("a.weight_packed", DType::i32, {8, 8}, 0)
      .fill<uint16_t>("a.weight_scale", DType::f16, {8, 3}, kOne)
      .add<int64_t>("a.weight_shape", DType::i64, {2}, {8, 64});
  EXPECT_THAT(scales.refusal(kPacked), HasSubstr("has 3 columns for 64 inputs"));
  Folder missing;
  missing.fill<int32_t>("a.weight_packed", DType::i32, {8, 8}, 0)
      .add<int64_t>("a.weight_shape", DType::i64, {2}, {8, 64});
  EXPECT_THAT(missing.refusal(kPacked), HasSubstr("no tensor 'a.weight_scale'"));
  Folder huge;
  huge.fill<int32_t>("a.weight_packed", DType::i32, {8, 8}, 0)
      .add<int64_t>("a.weight_shape", DType::i64, {2}, {int64_t{1} << 62, 64});
  EXPECT_THAT(huge.refusal(kPacked), HasSubstr("'a.weight_shape' says 4611686018427387904 x 64"));
  Folder index = packed();
  index.fill<int32_t>("a.weight_g_idx", DType::i32, {64}, 2);
  EXPECT_THAT(index.refusal(kPacked), HasSubstr("puts input 0 into group 2, wanted 0 to 1"));
  Folder twice = packed();
  twice.fill<uint16_t>("a.weight", DType::f16, {8, 64}, kOne);
  EXPECT_THAT(twice.refusal(kPacked),
              HasSubstr("is there as it is and as compressed-tensors int4"));
}

TEST(PackQuantized, TheSettingsMustStateTheCodesThatAreThere) {
  const auto stated = [](const base::Json& first, const base::Json& second) {
    base::Json settings = kPacked;
    settings["config_groups"] = {{"group_0", {{"weights", first}}},
                                 {"group_1", {{"weights", second}}}};
    return settings;
  };
  const base::Json eight = {{"num_bits", 8}, {"type", "int"}, {"symmetric", true}};
  const base::Json four = {{"num_bits", 4}, {"type", "int"}, {"symmetric", true}};
  const base::Json floats = {{"num_bits", 4}, {"type", "float"}, {"symmetric", true}};
  base::Json zeros = four;
  zeros["symmetric"] = false;
  Folder folder = packed();
  EXPECT_EQ(folder.refusal(stated(eight, four)), "accepted");
  for (const base::Json& other : {eight, floats, zeros})
    EXPECT_THAT(
        folder.refusal(stated(eight, other)),
        HasSubstr("tensor 'a.weight_packed' has 4 bits without zero points, which no group"));
  folder.fill<int32_t>("a.weight_zero_point", DType::i32, {1, 2}, 0x12345678);
  EXPECT_THAT(folder.refusal(stated(eight, four)), HasSubstr("has 4 bits and zero points"));
  EXPECT_EQ(folder.refusal(stated(eight, zeros)), "accepted");
}

// Groups of unequal size cannot be sorted into runs: their values are right, codes are not kept.
TEST(PackQuantized, GroupsOfUnequalSizeAreReadAsValues) {
  Folder folder = packed(1, 64);
  std::vector<int32_t> groups(64, 0);
  groups[5] = 1;
  folder.add<int32_t>("a.weight_g_idx", DType::i32, {64}, groups);
  const auto source = folder.open(kPacked);
  const checkpoint::EncodedTensor* tensor = source->encoded("a.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->form().kind, checkpoint::CodeForm::Kind::none);
  std::vector<float> values(64);
  ASSERT_TRUE(tensor->values(0, 1, values.data()));
  EXPECT_EQ(values[0], 0.0f);   // code 8
  EXPECT_EQ(values[7], -7.0f);  // code 1
}

// A bf16 scale below f16's normal range would lose digits: the values are right, codes not kept.
TEST(PackQuantized, ScalesThatF16CannotHoldAreReadAsValues) {
  Folder folder;
  folder.fill<int32_t>("a.weight_packed", DType::i32, {1, 8}, 0x99999999)
      .add<uint16_t>("a.weight_scale", DType::bf16, {1, 2}, {0x3F80, 0x3343})
      .add<int64_t>("a.weight_shape", DType::i64, {2}, {1, 64});
  const auto source = folder.open(kPacked);
  const checkpoint::EncodedTensor* tensor = source->encoded("a.weight");
  EXPECT_EQ(tensor->form().kind, checkpoint::CodeForm::Kind::none);
  std::vector<float> values(64);
  ASSERT_TRUE(tensor->values(0, 1, values.data()));
  EXPECT_EQ(values[63], tensor::to_float(tensor::Bf16{0x3343}));
}

TEST(Awq, ShapesAndVersionsMustFit) {
  const auto make = [](const Shape& scales) {
    Folder folder;
    folder.fill<int32_t>("a.qweight", DType::i32, {64, 2}, 0)
        .fill<int32_t>("a.qzeros", DType::i32, {2, 2}, 0)
        .fill<uint16_t>("a.scales", DType::f16, scales, kOne);
    return folder;
  };
  Folder good = make({2, 16});
  EXPECT_EQ(good.refusal(kAwq), "accepted");
  EXPECT_THAT(make({2, 8}).refusal(kAwq), HasSubstr("'a.scales' has shape [2, 8], wanted [2, 16]"));
  base::Json other = kAwq;
  other["version"] = "gemv";
  EXPECT_THAT(good.refusal(other), HasSubstr("AWQ version 'gemv' is not supported"));
  other = kAwq;
  other["bits"] = 3;
  EXPECT_THAT(good.refusal(other), HasSubstr("key 'bits' is 3, wanted a whole number from 4 to 4"));
}

TEST(Gptq, ShapesAndVersionsMustFit) {
  const auto make = [](int64_t zero_columns) {
    Folder folder;
    folder.fill<int32_t>("a.qweight", DType::i32, {8, 16}, 0x77777777)
        .fill<int32_t>("a.qzeros", DType::i32, {2, zero_columns}, 0x77777777)
        .fill<uint16_t>("a.scales", DType::f16, {2, 16}, kOne);
    return folder;
  };
  Folder good = make(2);
  EXPECT_EQ(good.refusal(kGptq), "accepted");
  EXPECT_THAT(make(3).refusal(kGptq), HasSubstr("'a.qzeros' has shape [2, 3], wanted [2, 2]"));
  base::Json other = kGptq;
  other["bits"] = 3;
  EXPECT_THAT(good.refusal(other), HasSubstr("wanted 4 or 8"));
  other = kGptq;
  other["checkpoint_format"] = "marlin";
  EXPECT_THAT(good.refusal(other), HasSubstr("checkpoint_format 'marlin' is not supported"));
}

TEST(Fp8, ScalesMustFitAndNotANumberIsNoticed) {
  const auto make = [](uint8_t code, const Shape& scales) {
    Folder folder;
    folder.fill<uint8_t>("a.weight", DType::f8_e4m3, {2, 4}, code)
        .fill<float>("a.weight_scale", DType::f32, scales, 0.5f);
    return folder;
  };
  EXPECT_THAT(make(0x38, {3}).refusal(kFp8),
              HasSubstr("'a.weight_scale' has shape [3] for a weight of [2, 4]"));
  std::vector<float> values(8);
  Folder ones = make(0x38, {2, 1});
  ASSERT_TRUE(ones.open(kFp8)->encoded("a.weight")->values(0, 2, values.data()));
  EXPECT_THAT(values, testing::Each(0.5f));
  Folder least = make(0x81, {});
  ASSERT_TRUE(least.open(kFp8)->encoded("a.weight")->values(0, 2, values.data()));
  EXPECT_THAT(values, testing::Each(-0x1.0p-10f));
  Folder nan = make(0x7F, {1});
  EXPECT_FALSE(nan.open(kFp8)->encoded("a.weight")->values(0, 2, values.data()));
}

TEST(BitsAndBytes, TheStateMustFitTheTensors) {
  const auto make = [](const std::string& state) {
    Folder folder;
    folder.fill<uint8_t>("a.weight", DType::u8, {64, 1}, 0x0F)
        .fill<float>("a.weight.absmax", DType::f32, {2}, 2.0f)
        .fill<float>("a.weight.quant_map", DType::f32, {16}, 0.25f)
        .add<char>("a.weight.quant_state.bitsandbytes__nf4", DType::u8,
                   {static_cast<int64_t>(state.size())}, {state.begin(), state.end()});
    return folder;
  };
  Folder good = make(R"({"quant_type":"nf4","blocksize":64,"shape":[2,64]})");
  std::vector<float> values(128);
  ASSERT_TRUE(good.open(kBnb)->encoded("a.weight")->values(0, 2, values.data()));
  EXPECT_THAT(values, testing::Each(0.5f));
  EXPECT_THAT(make(R"({"quant_type":"nf4","blocksize":64,"shape":[2,65]})").refusal(kBnb),
              HasSubstr("'a.weight' has 64 bytes, wanted 65 for 2 x 65 codes"));
  EXPECT_THAT(make(R"({"quant_type":"nf4","blocksize":0,"shape":[2,64]})").refusal(kBnb),
              HasSubstr("key 'blocksize' is 0"));
  EXPECT_THAT(make("{").refusal(kBnb), HasSubstr("bitsandbytes__nf4"));
}

}  // namespace
}  // namespace visavis::quant
