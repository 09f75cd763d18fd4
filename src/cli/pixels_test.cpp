#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "cli/verbs.h"
#include "engine/checkpoint/safetensors.h"

namespace visavis::cli {

void add_pixels(CLI::App& app, int& exit_code);

namespace {

using testing::HasSubstr;

const std::filesystem::path kData = std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data";
const std::string kQwen = VISAVIS_GOLDENS_DIR "/models/qwen_sharded";
const std::string kLlava = VISAVIS_GOLDENS_DIR "/models/llava_hub";

/// Runs `visavis pixels` with these arguments; what it prints to stdout.
std::string run(std::vector<std::string> arguments) {
  CLI::App app;
  int exit_code = kFailed;
  add_pixels(app, exit_code);
  arguments.insert(arguments.begin(), "pixels");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  testing::internal::CaptureStdout();
  try {
    app.parse(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  EXPECT_EQ(exit_code, kDone);
  return testing::internal::GetCapturedStdout();
}

std::string refusal(std::vector<std::string> arguments) {
  try {
    run(std::move(arguments));
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return "";
}

std::filesystem::path scratch(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / ("visavis_pixels_test_" + name);
}

std::string picture(const std::string& name) { return kData / "pictures" / name; }

TEST(Pixels, WritesAllPicturesOneAfterTheOtherWithTheirGrids) {
  const auto file = scratch("qwen.safetensors");
  const base::Json printed =
      base::parse_json(run({kQwen, "-i", picture("rgb_37x53.png"), "-i",
                            picture("photo_320x240.jpg"), "-o", file.string(), "--json"}),
                       "stdout");
  EXPECT_EQ(printed.at("pixel_values_shape"), base::Json::array({6 * 4 + 10 * 12, 1176}));
  EXPECT_EQ(printed.at("images").at(1).at("image_tokens"), 30);
  const auto tensors = checkpoint::open_safetensors_file(file);
  const tensor::View grid = tensors->read("image_grid_thw");
  ASSERT_EQ(grid.dtype, tensor::DType::i64);
  const std::vector<int64_t> expected = {1, 6, 4, 1, 10, 12};
  EXPECT_EQ(std::vector<int64_t>(grid.as<int64_t>(), grid.as<int64_t>() + 6), expected);
  const tensor::View pixels = tensors->read("pixel_values");
  const base::Json golden = base::read_json(kQwen + ".json").at("pictures");
  const size_t first = 6 * 4 * 1176 * sizeof(float);
  const std::string_view bytes(reinterpret_cast<const char*>(pixels.data),
                               static_cast<size_t>(pixels.bytes()));
  EXPECT_EQ(base::sha256_hex(bytes.substr(0, first)),
            golden.at("rgb_37x53.png").at("f32_sha256").get<std::string>());
  EXPECT_EQ(base::sha256_hex(bytes.substr(first)),
            golden.at("photo_320x240.jpg").at("f32_sha256").get<std::string>());
  std::filesystem::remove(file);
}

TEST(Pixels, PicturesOfOneSizeAreStacked) {
  const auto file = scratch("llava.safetensors");
  const std::string printed = run({kLlava, "-i", picture("rgb_37x53.png"), "-i",
                                   picture("photo_320x240.jpg"), "-o", file.string()});
  EXPECT_THAT(printed, HasSubstr("cropped to 56x56, 16 tokens"));
  const auto tensors = checkpoint::open_safetensors_file(file);
  EXPECT_EQ(tensors->find("image_grid_thw"), nullptr);
  EXPECT_EQ(tensors->read("pixel_values").shape, (tensor::Shape{2, 3, 56, 56}));
  std::filesystem::remove(file);
}

TEST(Pixels, OverridesReachThePicture) {
  EXPECT_THAT(run({kQwen, "-i", picture("photo_320x240.jpg"), "--max-pixels", "10000"}),
              HasSubstr("resized to 112x84"));
  EXPECT_THAT(run({kLlava, "-i", picture("photo_320x240.jpg"), "--image-mode", "pad"}),
              HasSubstr("padded to 320x320"));
  EXPECT_THROW(run({kLlava, "-i", picture("rgb_37x53.png"), "--image-mode", "stretch"}),
               CLI::ValidationError);
}

TEST(Pixels, BadPicturesAndModelsEndWithOneLineThatNamesThem) {
  EXPECT_THAT(refusal({kQwen, "-i", "/nowhere/cat.jpg"}), HasSubstr("/nowhere/cat.jpg"));
  EXPECT_THAT(refusal({"/nowhere/model", "-i", picture("rgb_37x53.png")}),
              HasSubstr("/nowhere/model"));
  EXPECT_THAT(refusal({kQwen, "-i", picture("size_420x2.png")}), HasSubstr("aspect ratio"));
  const auto file = scratch("bad.jpg");
  const std::string whole = base::read_file(picture("photo_320x240.jpg"));
  for (const std::string& bytes :
       {std::string(), std::string("no picture"), whole.substr(0, 900)}) {
    base::write_file_atomically(file, bytes);
    EXPECT_THAT(refusal({kQwen, "-i", file.string()}), HasSubstr(file.string()));
  }
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace visavis::cli
