#include "engine/vision/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"

namespace visavis::vision {
namespace {

using picture::RgbImage;
using testing::HasSubstr;

Preprocessor qwen() {
  return {.type = "Qwen2VLImageProcessor",
          .mean = {0.5, 0.5, 0.5},
          .std = {0.5, 0.5, 0.5},
          .min_pixels = 65536,
          .max_pixels = 16777216,
          .patch_size = 16};
}

Preprocessor clip() {
  return {.type = "CLIPImageProcessor",
          .scheme = Scheme::centre_crop,
          .mean = {0.48145466, 0.4578275, 0.40821073},
          .std = {0.26862954, 0.26130258, 0.27577711},
          .shortest_edge = 336,
          .crop_width = 336,
          .crop_height = 336};
}

std::string refusal(int64_t width, int64_t height, const Preprocessor& p) {
  try {
    geometry_of(width, height, p, "long.png");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("long.png"));
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return "";
}

struct SizeCase {
  int64_t width, height, max_pixels, out_width, out_height;
};

TEST(Geometry, SidesAreRoundedHalvesToEvenAndKeptWithinTheLimits) {
  // Computed with the reference rule in Python.
  for (const SizeCase& c : {SizeCase{1024, 683, 16777216, 1024, 672},
                            {1008, 1040, 16777216, 1024, 1024},  // 31.5 and 32.5: both 32
                            {10, 10, 16777216, 256, 256},
                            {1999, 11, 16777216, 3456, 32},
                            {9000, 7000, 16777216, 4640, 3584},
                            {640, 480, 100000, 352, 256}}) {
    Preprocessor p = qwen();
    p.max_pixels = c.max_pixels;
    const Geometry g = geometry_of(c.width, c.height, p, "x");
    EXPECT_EQ(g.width, c.out_width) << c.width << "x" << c.height;
    EXPECT_EQ(g.height, c.out_height) << c.width << "x" << c.height;
    EXPECT_EQ(g.grid_w, c.out_width / 16);
    EXPECT_EQ(g.grid_h, c.out_height / 16);
  }
}

TEST(Geometry, ExtremeAspectRatiosAreRefused) {
  EXPECT_THAT(refusal(2010, 10, qwen()), HasSubstr("aspect ratio of at most 200"));
  EXPECT_EQ(geometry_of(2000, 10, qwen(), "x").grid_h, 2);
  EXPECT_THAT(refusal(1, 1000000, clip()), HasSubstr("aspect ratio"));
  Preprocessor pad = clip();
  pad.pad_to_square = true;
  EXPECT_THAT(refusal(1, 1000000, pad), HasSubstr("padding"));
  Preprocessor huge = qwen();
  huge.min_pixels = huge.max_pixels = int64_t{1} << 50;
  EXPECT_THAT(refusal(100, 100, huge), HasSubstr("pixels"));
  EXPECT_THAT(refusal(0, 5, qwen()), HasSubstr("0 x 5"));
}

TEST(Geometry, TheLongSideIsCutDownToAWholeNumber) {
  const Geometry g = geometry_of(500, 333, clip(), "x");
  EXPECT_EQ(g.resized_height, 336);
  EXPECT_EQ(g.resized_width, 504);
  EXPECT_EQ(g.width, 336);
  EXPECT_EQ(g.height, 336);
}

Preprocessor tiles() {
  Preprocessor p = clip();
  p.type = "LlavaNextImageProcessor";
  p.scheme = Scheme::tiles;
  p.pinpoints = {{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}};
  return p;
}

struct TileCase {
  int64_t width, height, tiles_w, tiles_h, resized_width, resized_height, rows, columns;
};

TEST(Geometry, PicturesAreEnlargedToTheSizeThatKeepsMostOfThem) {
  // Computed with the published rule in Python (tools/reference/pictures.py and llava_next.py).
  for (const TileCase& c : {TileCase{1024, 683, 2, 2, 672, 449, 32, 48},
                            {640, 480, 2, 2, 672, 504, 36, 48},
                            {300, 900, 1, 3, 336, 1008, 72, 24},
                            {900, 300, 3, 1, 1008, 336, 24, 72},
                            {333, 500, 1, 2, 336, 505, 36, 24},
                            {400, 250, 2, 1, 538, 336, 24, 38},
                            {300, 7, 2, 1, 672, 16, 2, 48},
                            {2000, 7, 3, 1, 1008, 4, 0, 72}}) {
    SCOPED_TRACE(std::to_string(c.width) + "x" + std::to_string(c.height));
    const Geometry g = geometry_of(c.width, c.height, tiles(), "x");
    EXPECT_EQ(g.tiles_w, c.tiles_w);
    EXPECT_EQ(g.tiles_h, c.tiles_h);
    EXPECT_EQ(g.width, 336 * c.tiles_w);
    EXPECT_EQ(g.height, 336 * c.tiles_h);
    EXPECT_EQ(g.resized_width, c.resized_width);
    EXPECT_EQ(g.resized_height, c.resized_height);
    const ShownFeatures shown = shown_features(g, 24);
    EXPECT_EQ(shown.rows, c.rows);
    EXPECT_EQ(shown.columns, c.columns);
    EXPECT_EQ(shown.tokens(24), 576 + c.rows * (c.columns + 1));
  }
}

TEST(Prepare, TilesLieBelowTheWholePicture) {
  Preprocessor p = tiles();
  p.shortest_edge = p.crop_width = p.crop_height = 4;
  p.pinpoints = {{4, 8}};
  RgbImage image(8, 2);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<uint8_t>(i / 3 % 8 * 10 + 1);
  const Patches out = prepare_pixels(image, "x", p);
  ASSERT_EQ(out.pixels.width, 4);
  ASSERT_EQ(out.pixels.height, 12);
  EXPECT_EQ(out.layout.rows(), 3);
  EXPECT_EQ(out.values().size(), 3u * 3 * 4 * 4);
  // A frame of black above and below, the picture's columns 0 to 3 and 4 to 7 between.
  for (int64_t x = 0; x < 4; ++x) {
    EXPECT_EQ(out.pixels.row(4)[3 * x], 0);
    EXPECT_EQ(out.pixels.row(5)[3 * x], 10 * x + 1);
    EXPECT_EQ(out.pixels.row(9)[3 * x], 10 * (4 + x) + 1);
    EXPECT_EQ(out.pixels.row(11)[3 * x], 0);
  }
}

TEST(Prepare, PatchesRunInMergeOrderAndHoldChannelTimeRowColumn) {
  Preprocessor p = qwen();
  p.min_pixels = 1;
  RgbImage image(64, 64);
  for (int64_t y = 0; y < 64; ++y) {
    for (int64_t x = 0; x < 64; ++x) {
      image.row(y)[x * 3] = static_cast<uint8_t>(x);
      image.row(y)[x * 3 + 1] = static_cast<uint8_t>(y);
      image.row(y)[x * 3 + 2] = 255;
    }
  }
  const Patches out = prepare_pixels(image, "x", p);
  ASSERT_EQ(out.rows, 16);
  ASSERT_EQ(out.layout.row_values(), 1536);
  const auto level = [](int64_t value) { return (static_cast<float>(value) - 127.5f) / 127.5f; };
  // Row 6 is block (0, 1), patch (1, 0) inside it: pixels from x = 32, y = 16.
  const std::vector<float> values = out.values();
  const float* row = values.data() + 6 * 1536;
  for (int64_t time = 0; time < 2; ++time) {
    for (int64_t y = 0; y < 16; ++y) {
      for (int64_t x = 0; x < 16; ++x) {
        const int64_t at = time * 256 + y * 16 + x;
        ASSERT_EQ(row[at], level(32 + x));
        ASSERT_EQ(row[512 + at], level(16 + y));
        ASSERT_EQ(row[1024 + at], 1.0f);
      }
    }
  }
  p.temporal_copies = 1;
  const Patches once = prepare_pixels(image, "x", p);
  EXPECT_EQ(once.layout.row_values(), 768);
  EXPECT_EQ(once.values()[6 * 768], level(32));
}

TEST(Prepare, SmallPicturesAreFramedWithZerosBeforeNormalising) {
  Preprocessor p = clip();
  p.do_resize = false;
  RgbImage image(335, 400);
  std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{255});
  const Patches out = prepare_pixels(image, "x", p);
  const std::vector<float> values = out.values();
  ASSERT_EQ(values.size(), 3u * 336 * 336);
  const float white = (255.0f - 0.48145466f * 255.0f) / (0.26862954f * 255.0f);
  const float black = (0.0f - 0.48145466f * 255.0f) / (0.26862954f * 255.0f);
  EXPECT_EQ(values[0], white);
  EXPECT_EQ(values[334], white);
  EXPECT_EQ(values[335], black);
}

TEST(Prepare, PaddingToASquareUsesTheMeanColour) {
  Preprocessor p = clip();
  p.pad_to_square = true;
  RgbImage image(1008, 336);
  const Patches out = prepare_pixels(image, "x", p);
  EXPECT_EQ(out.geometry.padded_height, 1008);
  EXPECT_EQ(out.geometry.resized_height, 336);
  const float mean_colour = (122.0f - 0.48145466f * 255.0f) / (0.26862954f * 255.0f);
  EXPECT_EQ(out.values()[0], mean_colour);
  EXPECT_LT(out.values()[168 * 336 + 168], -1.5f);
}

TEST(Prepare, APictureFileBringsItsNoteAndItsName) {
  const auto path = std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/picture/exif_6.jpg";
  const std::string bytes = base::read_file(path);
  base::ThreadPool pool(2);
  const Patches out = prepare_picture(bytes, "e.jpg", qwen(), base::steady_clock(), &pool);
  EXPECT_EQ(out.note,
            "e.jpg: JPEG 37x23, EXIF orientation 6 applied, resized to 224x352, 14x22 patches");
  EXPECT_EQ(out.rows, 14 * 22);
  EXPECT_EQ(out.sha256.size(), 64u);
  EXPECT_EQ(out.pixels, prepare_picture(bytes, "e.jpg", qwen(), base::steady_clock()).pixels);
  EXPECT_NE(out.sha256, prepare_picture(bytes, "e.jpg", clip(), base::steady_clock()).sha256);
}

}  // namespace
}  // namespace visavis::vision
