#include "picture/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"

namespace visavis::picture {
namespace {

using testing::HasSubstr;

const std::filesystem::path kFolder =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/picture";

std::string file(const std::string& name) { return base::read_file(kFolder / name); }

std::string hash_of(const RgbImage& image) {
  return base::sha256_hex(
      {reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()});
}

std::string refusal(std::string_view bytes) {
  try {
    decode(bytes, "p.jpg");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("p.jpg"));
    EXPECT_THAT(error.what(), HasSubstr("found"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return "";
}

TEST(Decode, EveryKindOfPictureEqualsPillows) {
  const base::Json cases = base::read_json(kFolder / "cases.json").at("cases");
  ASSERT_GT(cases.size(), 40u);
  for (const auto& [name, expected] : cases.items()) {
    SCOPED_TRACE(name);
    const Decoded decoded = decode(file(name), name);
    EXPECT_EQ(decoded.image.width, expected.at("width").get<int64_t>());
    EXPECT_EQ(decoded.image.height, expected.at("height").get<int64_t>());
    EXPECT_EQ(hash_of(decoded.image), expected.at("rgb_sha256").get<std::string>());
  }
}

TEST(Decode, SaysWhatItFoundInTheFile) {
  const Decoded turned = decode(file("exif_6.png"), "x");
  EXPECT_EQ(turned.format, "PNG");
  EXPECT_EQ(turned.file_width, turned.image.height);
  EXPECT_EQ(turned.file_height, turned.image.width);
  EXPECT_EQ(turned.orientation, 6);
  EXPECT_EQ(turned.note, "EXIF orientation 6 applied");
  EXPECT_EQ(decode(file("png_rgba_8.png"), "x").note, "alpha dropped");
  EXPECT_EQ(decode(file("webp_animated.webp"), "x").note, "first of 2 frames");
}

TEST(Decode, EveryTruncationIsRefusedOrGivesTheWholePicture) {
  for (const char* name : {"jpeg_subsampling_2.jpg", "jpeg_progressive.jpg", "png_rgb_8.png",
                           "png_palette_4.png", "webp_lossy.webp", "webp_alpha.webp"}) {
    SCOPED_TRACE(name);
    const std::string whole = file(name);
    const RgbImage expected = decode(whole, name).image;
    int refused = 0;
    for (size_t size = 0; size < whole.size(); ++size) {
      try {
        EXPECT_EQ(decode(whole.substr(0, size), name).image, expected) << size;
      } catch (const Error&) {
        ++refused;
      }
    }
    EXPECT_GT(refused, static_cast<int>(whole.size()) - 40);
  }
}

TEST(Decode, OtherFormatsAreRefusedByName) {
  using namespace std::string_literals;
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("this is no picture"), HasSubstr("no known picture format"));
  EXPECT_THAT(refusal("GIF89a......"), HasSubstr("found GIF"));
  EXPECT_THAT(refusal("BM......"), HasSubstr("found BMP"));
  EXPECT_THAT(refusal("II*\0...."s), HasSubstr("found TIFF"));
  EXPECT_THAT(refusal("\0\0\0\x18"
                      "ftypheic\0\0\0\0"s),
              HasSubstr("found HEIC"));
  EXPECT_THAT(refusal("\0\0\0\x18"
                      "ftypavif\0\0\0\0"s),
              HasSubstr("found AVIF"));
  EXPECT_THAT(refusal("<?xml version='1.0'?>\n<svg width='3'/>"), HasSubstr("found SVG"));
}

/// The PNG with another size in its header (checksum included).
std::string png_of_size(uint32_t width, uint32_t height);

TEST(Decode, SizesAreCheckedBeforeAnythingIsAllocated) {
  EXPECT_THAT(refusal(png_of_size(0, 5)), HasSubstr("0 x 5"));
  EXPECT_THAT(refusal(png_of_size(30000, 30000)), HasSubstr("30000 x 30000"));
  EXPECT_THAT(refusal(png_of_size(2000000, 1)), HasSubstr("2000000 x 1"));
  std::string jpeg = file("jpeg_grey.jpg");
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  for (size_t i = 5; i < 9; i += 2) {
    jpeg[frame + i] = '\x75';
    jpeg[frame + i + 1] = '\x30';
  }
  EXPECT_THAT(refusal(jpeg), HasSubstr("30000 x 30000"));
  jpeg[frame + 7] = jpeg[frame + 8] = '\0';
  refusal(jpeg);
}

uint32_t crc32(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

void put_u32(std::string& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

std::string png_of_size(uint32_t width, uint32_t height) {
  std::string png = file("png_rgb_8.png");
  put_u32(png, 16, width);
  put_u32(png, 20, height);
  put_u32(png, 29, crc32(std::string_view(png).substr(12, 17)));
  return png;
}

TEST(Decode, AFileTooShortForItsSizeIsRefusedBeforeMemoryIsTaken) {
  EXPECT_THAT(refusal(png_of_size(10000, 10000)), HasSubstr("bytes for a PNG of 10000 x 10000"));
  std::string jpeg = file("jpeg_grey.jpg");
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg[frame + 5] = jpeg[frame + 7] = '\x27';
  jpeg[frame + 6] = jpeg[frame + 8] = '\x10';
  EXPECT_THAT(refusal(jpeg), HasSubstr("bytes for a JPEG of 10000 x 10000"));
}

TEST(Decode, ADamagedPictureLeaksNothingAndIsRefused) {
  std::string png = file("png_rgb_8.png");
  png[60] = static_cast<char>(png[60] + 1);
  EXPECT_THAT(refusal(png), HasSubstr("PNG that does not decode"));
  std::string jpeg = file("jpeg_grey.jpg");
  jpeg.erase(jpeg.find("\xFF\xDB"), 8);
  refusal(jpeg);
}

TEST(Decode, AProgressiveFileThatRepeatsItsScansForEverIsRefused) {
  const std::string jpeg = file("jpeg_progressive.jpg");
  const size_t last_scan = jpeg.rfind("\xFF\xDA");
  const std::string scan = jpeg.substr(last_scan, jpeg.size() - 2 - last_scan);
  std::string endless = jpeg.substr(0, last_scan);
  for (int i = 0; i < 2000; ++i) endless += scan;
  endless += jpeg.substr(jpeg.size() - 2);
  EXPECT_THAT(refusal(endless), HasSubstr("too many progressive scans"));
}

}  // namespace
}  // namespace visavis::picture
