#include "engine/vision/preprocessor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace visavis::vision {
namespace {

using testing::HasSubstr;

Preprocessor parsed(const std::string& json) {
  return parse_preprocessor(checkpoint::ConfigReader(base::parse_json(json, "p.json"), "p.json"));
}

std::string refusal(const std::string& json) {
  try {
    parsed(json);
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << json << " was not refused";
  return "";
}

TEST(Preprocessor, PixelLimitsComeInTwoSpellings) {
  const Preprocessor edges = parsed(
      R"({"image_processor_type": "Qwen2VLImageProcessorFast", "patch_size": 16, "merge_size": 2,
          "size": {"shortest_edge": 65536, "longest_edge": 16777216},
          "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]})");
  EXPECT_EQ(edges.scheme, Scheme::merged_patches);
  EXPECT_EQ(edges.min_pixels, 65536);
  EXPECT_EQ(edges.max_pixels, 16777216);
  EXPECT_EQ(edges.patch_size, 16);
  EXPECT_EQ(edges.temporal_copies, 2);
  EXPECT_EQ(edges.mean[2], 0.5);
  const Preprocessor pixels = parsed(
      R"({"image_processor_type": "Qwen2VLImageProcessor", "min_pixels": 3136,
          "max_pixels": 12845056})");
  EXPECT_EQ(pixels.min_pixels, 3136);
  EXPECT_EQ(pixels.max_pixels, 12845056);
}

TEST(Preprocessor, SizesAndCropsComeAsNumbersAndAsObjects) {
  const Preprocessor old_one = parsed(
      R"({"feature_extractor_type": "CLIPFeatureExtractor", "size": 336, "crop_size": 336})");
  const Preprocessor new_one = parsed(
      R"({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 336},
          "crop_size": {"height": 336, "width": 336}})");
  for (const Preprocessor& p : {old_one, new_one}) {
    EXPECT_EQ(p.scheme, Scheme::centre_crop);
    EXPECT_EQ(p.shortest_edge, 336);
    EXPECT_EQ(p.crop_width, 336);
    EXPECT_EQ(p.crop_height, 336);
    EXPECT_FALSE(p.pad_to_square);
    EXPECT_DOUBLE_EQ(p.mean[0], 0.48145466);
  }
  EXPECT_TRUE(
      parsed(R"({"image_processor_type": "LlavaImageProcessor", "do_pad": true})").pad_to_square);
  const Preprocessor exact = parsed(
      R"({"image_processor_type": "CLIPImageProcessor", "size": {"height": 30, "width": 40}})");
  EXPECT_EQ(exact.shortest_edge, 0);
  EXPECT_EQ(exact.resize_width, 40);
}

TEST(Preprocessor, UnknownValuesAreRefusedByName) {
  EXPECT_THAT(refusal(R"({"image_processor_type": "SiglipImageProcessor"})"),
              HasSubstr("SiglipImageProcessor"));
  EXPECT_THAT(refusal(R"({"image_processor_type": "CLIPImageProcessor", "resample": 1})"),
              HasSubstr("resample"));
  EXPECT_THAT(refusal(R"({"image_processor_type": "CLIPImageProcessor", "image_std": [1, 0, 1]})"),
              HasSubstr("image_std"));
  EXPECT_THAT(refusal(R"({"image_processor_type": "CLIPImageProcessor", "crop_size": "big"})"),
              HasSubstr("crop_size"));
  EXPECT_THAT(refusal(R"({"image_processor_type": "CLIPImageProcessor", "size": {"area": 5}})"),
              HasSubstr("size"));
  EXPECT_THAT(refusal(R"({"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 0})"),
              HasSubstr("patch_size"));
  EXPECT_THAT(refusal(R"({"image_processor_type": "Qwen2VLImageProcessor", "size": {"area": 5}})"),
              HasSubstr("size"));
  EXPECT_THAT(refusal("{}"), HasSubstr("absent"));
}

TEST(Preprocessor, TheNestedDocumentWinsAndPaddingMayStandInTheModelsConfig) {
  const base::TemporaryFolder temporary;
  const std::filesystem::path& folder = temporary.path();
  EXPECT_THROW(read_preprocessor(folder), Error);
  base::write_file_atomically(
      folder / "preprocessor_config.json",
      R"({"image_processor_type": "CLIPImageProcessor", "crop_size": 224})");
  EXPECT_EQ(read_preprocessor(folder).crop_width, 224);
  base::write_file_atomically(folder / "processor_config.json", R"({"patch_size": 14})");
  EXPECT_EQ(read_preprocessor(folder).crop_width, 224);
  base::write_file_atomically(
      folder / "processor_config.json",
      R"({"image_processor": {"image_processor_type": "CLIPImageProcessor", "crop_size": 336}})");
  EXPECT_EQ(read_preprocessor(folder).crop_width, 336);
  EXPECT_FALSE(read_preprocessor(folder).pad_to_square);
  base::write_file_atomically(folder / "config.json", R"({"image_aspect_ratio": "pad"})");
  EXPECT_TRUE(read_preprocessor(folder).pad_to_square);
}

TEST(Preprocessor, OverridesAreCheckedAndChangeTheFingerprint) {
  Preprocessor p = parsed(R"({"image_processor_type": "Qwen2VLImageProcessor"})");
  const std::string before = p.fingerprint();
  apply_overrides(p, {});
  EXPECT_EQ(p.fingerprint(), before);
  apply_overrides(p, {.max_pixels = 100000, .image_mode = ""});
  EXPECT_EQ(p.max_pixels, 100000);
  EXPECT_NE(p.fingerprint(), before);
  EXPECT_THROW(apply_overrides(p, {.max_pixels = 5, .image_mode = ""}), Error);
  EXPECT_THROW(apply_overrides(p, {.max_pixels = 0, .image_mode = "stretch"}), Error);
  apply_overrides(p, {.max_pixels = 0, .image_mode = "pad"});
  EXPECT_TRUE(p.pad_to_square);
  apply_overrides(p, {.max_pixels = 0, .image_mode = "crop"});
  EXPECT_FALSE(p.pad_to_square);
}

}  // namespace
}  // namespace visavis::vision
