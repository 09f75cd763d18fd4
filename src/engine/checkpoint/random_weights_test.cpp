#include "engine/checkpoint/random_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"
#include "base/files.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;
using tensor::DType;

const std::vector<TensorSpec> kSpecs = {{"layer.weight", DType::bf16, {512, 300}},
                                        {"layer.norm.weight", DType::f16, {96}},
                                        {"layer.bias", DType::f32, {64}},
                                        {"other.weight", DType::bf16, {512, 300}}};

std::vector<float> values_of(const TensorSource& source, const std::string& name) {
  const tensor::View view = source.read(name);
  std::vector<float> values;
  for (int64_t i = 0; i < view.shape.elements(); ++i) {
    const std::byte* at = view.data + i * tensor::size_of(view.dtype);
    uint16_t half = 0;
    float whole = 0;
    std::memcpy(&half, at, sizeof(half));
    if (view.dtype == DType::f32) std::memcpy(&whole, at, sizeof(whole));
    values.push_back(view.dtype == DType::bf16  ? tensor::to_float(tensor::Bf16{half})
                     : view.dtype == DType::f16 ? tensor::to_float(tensor::F16{half})
                                                : whole);
  }
  return values;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};
Moments moments_of(const std::vector<float>& values) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto count = static_cast<double>(values.size());
  return {sum / count, std::sqrt(squares / count - (sum / count) * (sum / count))};
}

class Folder {
 public:
  Folder()
      : path_(fs::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

  std::string refusal(const std::string& text) const {
    base::write_file_atomically(path_ / "random_weights.json", text);
    try {
      open_tensors(path_);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

 private:
  fs::path path_;
};

TEST(RandomWeights, GiveTheListedShapesThroughTheTableOfContainers) {
  const Folder folder;
  write_random_weights(folder.path(), kSpecs, 3);
  const auto source = open_tensors(folder.path());
  ASSERT_EQ(source->tensors().size(), kSpecs.size());
  int64_t bytes = 0;
  for (const TensorSpec& spec : kSpecs) {
    const TensorInfo* info = source->find(spec.name);
    ASSERT_NE(info, nullptr) << spec.name;
    EXPECT_EQ(info->shape, spec.shape);
    EXPECT_EQ(info->dtype, spec.dtype);
    bytes += spec.bytes();
  }
  EXPECT_EQ(source->file_bytes(), bytes);
  EXPECT_EQ(source->find("absent"), nullptr);
  EXPECT_THROW(source->read("absent"), Error);
}

TEST(RandomWeights, AreTheSameForTheSameSeedAndOthersForAnother) {
  const auto once = make_random_weights(kSpecs, 3, "once");
  const auto again = make_random_weights(kSpecs, 3, "again");
  const auto other = make_random_weights(kSpecs, 4, "other");
  for (const TensorSpec& spec : kSpecs) {
    EXPECT_EQ(values_of(*once, spec.name), values_of(*again, spec.name)) << spec.name;
    EXPECT_NE(values_of(*once, spec.name), values_of(*other, spec.name)) << spec.name;
  }
  EXPECT_NE(values_of(*once, "layer.weight"), values_of(*once, "other.weight"));
}

TEST(RandomWeights, HaveTheSizeOfRealOnes) {
  const auto source = make_random_weights(kSpecs, 1, "test");
  const Moments matrix = moments_of(values_of(*source, "layer.weight"));
  EXPECT_NEAR(matrix.mean, 0, 0.001);
  EXPECT_NEAR(matrix.deviation, 0.02, 0.001);
  const Moments norm = moments_of(values_of(*source, "layer.norm.weight"));
  EXPECT_NEAR(norm.mean, 1, 0.01);
  EXPECT_NEAR(norm.deviation, 0.02, 0.01);
  EXPECT_NEAR(moments_of(values_of(*source, "layer.bias")).mean, 0, 0.005);
}

// 8 GB of address space, a tile of 64 MB behind it.
TEST(RandomWeights, AreLargerThanTheirMemoryAndSurviveDropping) {
  const auto source =
      make_random_weights({{"huge.weight", DType::bf16, {1 << 20, 1 << 12}}}, 1, "test");
  const tensor::View view = source->read("huge.weight");
  std::set<uint64_t> seen;
  for (int64_t at = 0; at < view.bytes(); at += view.bytes() / 64) {
    uint64_t four = 0;
    std::memcpy(&four, view.data + at, sizeof(four));
    seen.insert(four);
  }
  EXPECT_GT(seen.size(), 60u);
  std::vector<std::byte> before(view.data, view.data + 100'000);
  source->drop("huge.weight");
  EXPECT_EQ(std::memcmp(before.data(), view.data, before.size()), 0);
}

TEST(RandomWeights, RefuseWhatIsNoListOfTensors) {
  const Folder folder;
  using testing::HasSubstr;
  EXPECT_THAT(folder.refusal("{"), HasSubstr("random_weights.json"));
  EXPECT_THAT(folder.refusal("{}"), HasSubstr("seed"));
  EXPECT_THAT(folder.refusal(R"({"seed": 1})"), HasSubstr("tensors"));
  const auto one = [&](const std::string& tensor) {
    return folder.refusal(R"({"seed": 1, "tensors": [)" + tensor + "]}");
  };
  EXPECT_THAT(one(R"({"name": "a", "dtype": "i8", "shape": [4]})"), HasSubstr("'i8'"));
  EXPECT_THAT(one(R"({"name": "a", "dtype": "f32", "shape": [-4]})"), HasSubstr("shape"));
  EXPECT_THAT(one(R"({"name": "a", "dtype": "f32", "shape": [1048576, 1048576, 1048576]})"),
              HasSubstr("more than"));
  EXPECT_THAT(one(R"({"name": "a", "dtype": "f32", "shape": [1,1,1,1,1,1]})"),
              HasSubstr("dimensions"));
  const std::string a = R"({"name": "a", "dtype": "f32", "shape": [4]})";
  EXPECT_THAT(one(a + "," + a), HasSubstr("twice"));
}

}  // namespace
}  // namespace visavis::checkpoint
