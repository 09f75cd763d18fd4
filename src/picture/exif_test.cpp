#include "picture/exif.h"

#include <gtest/gtest.h>

#include "picture/orient.h"

namespace visavis::picture {
namespace {

using namespace std::string_literals;

const std::string kBig = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"s;
const std::string kLittle = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0"s;

TEST(Exif, OrientationIsReadInBothByteOrders) {
  EXPECT_EQ(exif_orientation(kBig), 6);
  EXPECT_EQ(exif_orientation(kLittle), 8);
  EXPECT_EQ(exif_orientation("Exif\0\0"s + kBig), 6);
}

TEST(Exif, BrokenBlocksMeanNone) {
  for (size_t size = 0; size < 22; ++size) {
    EXPECT_EQ(exif_orientation(kBig.substr(0, size)), 0) << size;
  }
  std::string far = kBig;
  far[4] = '\xFF';
  EXPECT_EQ(exif_orientation(far), 0);
  std::string nine = kBig;
  nine[19] = '\x09';
  EXPECT_EQ(exif_orientation(nine), 0);
}

TEST(Exif, XmpCountsOnlyWhereExifSaysNothing) {
  const std::string xmp = "<rdf tiff:Orientation=\"3\"/>";
  EXPECT_EQ(xmp_orientation(xmp), 3);
  EXPECT_EQ(xmp_orientation("<tiff:Orientation>7</tiff:Orientation>"), 7);
  EXPECT_EQ(orientation_of(kBig, xmp), 6);
  EXPECT_EQ(orientation_of("", xmp), 3);
  EXPECT_EQ(orientation_of("", ""), 1);
}

TEST(Orient, TwoQuarterTurnsMakeAHalfTurnAndMirrorsUndoThemselves) {
  RgbImage image(3, 2);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(apply_orientation(apply_orientation(image, 6), 6), apply_orientation(image, 3));
  EXPECT_EQ(apply_orientation(apply_orientation(image, 6), 8), image);
  for (const int mirror : {2, 3, 4, 5, 7}) {
    EXPECT_EQ(apply_orientation(apply_orientation(image, mirror), mirror), image) << mirror;
  }
}

}  // namespace
}  // namespace visavis::picture
