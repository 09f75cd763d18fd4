#include "picture/encode.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "picture/decode.h"

namespace visavis::picture {
namespace {

RgbImage gradient(int64_t width, int64_t height) {
  RgbImage image(width, height);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      image.row(y)[x * 3] = static_cast<uint8_t>(x * 255 / width);
      image.row(y)[x * 3 + 1] = static_cast<uint8_t>(y * 255 / height);
      image.row(y)[x * 3 + 2] = 90;
    }
  }
  return image;
}

double mean_difference(const RgbImage& a, const RgbImage& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(int{a.pixels[i]} - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

TEST(Encode, PngComesBackExactly) {
  const RgbImage image = gradient(61, 37);
  const Decoded back = decode(encode_png(image), "png");
  EXPECT_EQ(back.format, "PNG");
  EXPECT_EQ(back.image, image);
}

TEST(Encode, JpegAndWebPComeBackAlike) {
  const RgbImage image = gradient(61, 37);
  const Decoded jpeg = decode(encode_jpeg(image, 90), "jpeg");
  const Decoded webp = decode(encode_webp(image, 90), "webp");
  EXPECT_EQ(jpeg.format, "JPEG");
  EXPECT_EQ(webp.format, "WebP");
  ASSERT_EQ(jpeg.image.pixels.size(), image.pixels.size());
  ASSERT_EQ(webp.image.pixels.size(), image.pixels.size());
  EXPECT_LT(mean_difference(jpeg.image, image), 3);
  EXPECT_LT(mean_difference(webp.image, image), 3);
}

TEST(Encode, AThumbnailKeepsTheShapeAndNeverGrows) {
  const RgbImage small = decode(thumbnail_webp(gradient(400, 100), 80), "t").image;
  EXPECT_EQ(small.width, 80);
  EXPECT_EQ(small.height, 20);
  const RgbImage line = decode(thumbnail_webp(gradient(2, 900), 90), "t").image;
  EXPECT_EQ(line.width, 1);
  EXPECT_EQ(line.height, 90);
  EXPECT_EQ(decode(thumbnail_webp(gradient(30, 20), 80), "t").image.width, 30);
}

TEST(Encode, SizesThatAFormatCannotHoldAreRefused) {
  EXPECT_THROW(encode_webp(gradient(16384, 1)), Error);
  EXPECT_THROW(encode_jpeg(gradient(1, 65501)), Error);
  EXPECT_THROW(encode_png(RgbImage()), Error);
}

TEST(Encode, ADataUrlCarriesTheBytes) {
  EXPECT_EQ(data_url("foo", "image/png"), "data:image/png;base64,Zm9v");
}

}  // namespace
}  // namespace visavis::picture
