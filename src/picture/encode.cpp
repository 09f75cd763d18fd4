#include "picture/encode.h"

#include <png.h>
#include <webp/encode.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
//
#include <jpeglib.h>

#include <memory>

#include "base/base64.h"
#include "base/error.h"
#include "picture/resize.h"

namespace visavis::picture {
namespace {

void check(const RgbImage& image, int64_t max_side, const char* format) {
  require(
      image.width >= 1 && image.height >= 1 && image.width <= max_side && image.height <= max_side,
      "encoding ", format, ": found ", image.width, " x ", image.height,
      " pixels, wanted sides of 1 to ", max_side);
}

struct FreeBytes {
  void operator()(uint8_t* bytes) const { std::free(bytes); }  // NOLINT: libjpeg allocates so
};

/// libjpeg stops by jumping back into write(), which holds no object with a destructor.
struct JpegWriter {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf jump{};
  uint8_t* bytes = nullptr;
  unsigned long size = 0;

  JpegWriter() = default;
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;
  ~JpegWriter() {
    jpeg_destroy_compress(&info);
    FreeBytes()(bytes);
  }
};

bool write(JpegWriter& writer, const RgbImage& image, int quality) {
  writer.info.err = jpeg_std_error(&writer.errors);
  writer.info.client_data = &writer;
  writer.errors.error_exit = [](j_common_ptr info) {
    std::longjmp(static_cast<JpegWriter*>(info->client_data)->jump, 1);
  };
  writer.errors.output_message = [](j_common_ptr) {};
  if (setjmp(writer.jump) != 0) return false;
  jpeg_create_compress(&writer.info);
  jpeg_mem_dest(&writer.info, &writer.bytes, &writer.size);
  writer.info.image_width = static_cast<JDIMENSION>(image.width);
  writer.info.image_height = static_cast<JDIMENSION>(image.height);
  writer.info.input_components = 3;
  writer.info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&writer.info);
  jpeg_set_quality(&writer.info, quality, TRUE);
  writer.info.optimize_coding = TRUE;
  jpeg_start_compress(&writer.info, TRUE);
  while (writer.info.next_scanline < writer.info.image_height) {
    auto* row = const_cast<uint8_t*>(image.row(writer.info.next_scanline));  // only read
    jpeg_write_scanlines(&writer.info, &row, 1);
  }
  jpeg_finish_compress(&writer.info);
  return true;
}

struct FreeWebP {
  void operator()(uint8_t* bytes) const { WebPFree(bytes); }
};

}  // namespace

std::string encode_jpeg(const RgbImage& image, int quality) {
  check(image, JPEG_MAX_DIMENSION, "JPEG");
  JpegWriter writer;
  require(write(writer, image, quality), "encoding JPEG: the encoder stopped");
  return {reinterpret_cast<const char*>(writer.bytes), writer.size};
}

std::string encode_webp(const RgbImage& image, int quality) {
  check(image, WEBP_MAX_DIMENSION, "WebP");
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeRGB(
      image.pixels.data(), static_cast<int>(image.width), static_cast<int>(image.height),
      static_cast<int>(image.width * 3), static_cast<float>(quality), &bytes);
  const std::unique_ptr<uint8_t, FreeWebP> owner(bytes);
  require(size > 0, "encoding WebP: the encoder stopped");
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string encode_png(const RgbImage& image) {
  check(image, 0x7FFFFFFF / 3, "PNG");
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  const bool sized =
      png_image_write_to_memory(&header, nullptr, &size, 0, image.pixels.data(), 0, nullptr) != 0;
  std::string bytes(sized ? size : 0, '\0');
  const bool written = sized && png_image_write_to_memory(&header, bytes.data(), &size, 0,
                                                          image.pixels.data(), 0, nullptr) != 0;
  const std::string message = header.message;
  png_image_free(&header);
  require(written, "encoding PNG: ", message);
  bytes.resize(size);
  return bytes;
}

std::string thumbnail_webp(const RgbImage& image, int64_t max_side, int quality) {
  require(max_side >= 1, "thumbnail: found a longest side of ", max_side, ", wanted at least 1");
  const int64_t longer = std::max(image.width, image.height);
  if (longer <= max_side) return encode_webp(image, quality);
  const auto shrunk = [&](int64_t side) {
    return std::max<int64_t>(1, (side * max_side + longer / 2) / longer);
  };
  return encode_webp(resize(image, shrunk(image.width), shrunk(image.height), Filter::bicubic),
                     quality);
}

std::string data_url(std::string_view bytes, std::string_view mime) {
  return "data:" + std::string(mime) + ";base64," + base::base64(bytes);
}

}  // namespace visavis::picture
