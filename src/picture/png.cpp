// PNG through libpng, giving what Pillow's open + convert("RGB") gives: palette entries as stored
// (missing ones are a grey ramp), 16-bit channels by their high byte, 16-bit grey clipped to 255,
// alpha and tRNS ignored, no gamma.
//
// libpng reports errors by calling a function that must not return. It jumps back into
// run_guarded(), whose frame and everything above it hold no object with a destructor; all state
// lives in PngReader, owned by decode_png().
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/error.h"
#include "picture/codecs.h"
#include "picture/decode.h"
#include "picture/exif.h"

namespace visavis::picture {
namespace {

constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;  // text, profiles, EXIF
constexpr png_uint_32 kMaxTextChunks = 1000;

constexpr size_t kHeaderBytes = 24;  // signature, IHDR's length and name, width, height

int64_t read_u32(std::string_view bytes, size_t at) {
  int64_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value * 256 + static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// Deflate turns one byte into at most this many; a file too short for its own size is refused
// before memory is taken for it.
constexpr int64_t kMaxInflation = 1032;

struct PngReader {
  std::string_view bytes;
  size_t at = 0;
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf jump{};
  char message[160] = {};
  RgbImage image;
  std::vector<png_bytep> rows;

  explicit PngReader(std::string_view file) : bytes(file) {}
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader.message, sizeof reader.message, "%s", message);
  std::longjmp(reader.jump, 1);
}

void on_read(png_structp png, png_bytep out, size_t count) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader.bytes.size() - reader.at) png_error(png, "the file is truncated");
  std::memcpy(out, reader.bytes.data() + reader.at, count);
  reader.at += count;
}

/// Runs one step of the decoder; false if libpng stopped, with reader.message set.
template <class Step>
bool run_guarded(PngReader& reader, Step step) {
  if (setjmp(reader.jump) != 0) return false;
  step(reader);
  return true;
}

void read_header(PngReader& reader) {
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, &on_error,
                                      [](png_structp, png_const_charp) {});
  if (reader.png == nullptr) return;
  reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) return;
  png_set_read_fn(reader.png, &reader, &on_read);
  png_set_user_limits(reader.png, kMaxSide, kMaxSide);
  png_set_chunk_malloc_max(reader.png, kMaxChunkBytes);
  png_set_chunk_cache_max(reader.png, kMaxTextChunks);
  png_set_benign_errors(reader.png, 1);
  png_set_check_for_invalid_index(reader.png, 0);
  png_set_option(reader.png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  png_read_info(reader.png, reader.info);
}

bool is_grey16(const PngReader& reader) {
  return png_get_color_type(reader.png, reader.info) == PNG_COLOR_TYPE_GRAY &&
         png_get_bit_depth(reader.png, reader.info) == 16;
}

/// Rows come out as 1 byte (grey, palette index), 2 bytes (16-bit grey) or 3 bytes a pixel.
void set_transforms(PngReader& reader) {
  if (!is_grey16(reader)) png_set_strip_16(reader.png);
  png_set_packing(reader.png);
  if (png_get_color_type(reader.png, reader.info) == PNG_COLOR_TYPE_GRAY) {
    png_set_expand_gray_1_2_4_to_8(reader.png);
  }
  png_set_strip_alpha(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
}

void read_rows(PngReader& reader) { png_read_image(reader.png, reader.rows.data()); }

void read_end(PngReader& reader) { png_read_end(reader.png, reader.info); }

using Palette = std::array<std::array<uint8_t, 3>, 256>;

/// The colour of each one-byte value: the file's palette, a grey ramp where it has none.
Palette read_palette(const PngReader& reader) {
  Palette palette;
  for (size_t i = 0; i < palette.size(); ++i) palette[i].fill(static_cast<uint8_t>(i));
  if (png_get_color_type(reader.png, reader.info) != PNG_COLOR_TYPE_PALETTE) return palette;
  png_colorp colors = nullptr;
  int count = 0;
  if (png_get_PLTE(reader.png, reader.info, &colors, &count) != 0) {
    for (int i = 0; i < std::min(count, 256); ++i) {
      palette[static_cast<size_t>(i)] = {colors[i].red, colors[i].green, colors[i].blue};
    }
  }
  return palette;
}

/// Spreads one row over its width * 3 bytes in place. The row's own bytes lie at its end, so that
/// writing from the left never overtakes reading.
void expand_row(uint8_t* row, int64_t width, int64_t row_bytes, const Palette& palette) {
  const uint8_t* in = row + width * 3 - row_bytes;
  if (row_bytes == width * 2) {
    for (int64_t x = 0; x < width; ++x) {
      const uint8_t value = in[2 * x] != 0 ? uint8_t{255} : in[2 * x + 1];
      row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = value;
    }
  } else {
    for (int64_t x = 0; x < width; ++x) {
      const std::array<uint8_t, 3> color = palette[in[x]];
      row[3 * x] = color[0];
      row[3 * x + 1] = color[1];
      row[3 * x + 2] = color[2];
    }
  }
}

std::string unhex(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      continue;
    }
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

/// From the eXIf chunk, else from the text chunks that older writers use instead.
int read_orientation(const PngReader& reader) {
  std::string exif;
  std::string_view xmp;
  png_textp texts = nullptr;
  int count = 0;
  png_get_text(reader.png, reader.info, &texts, &count);
  for (int i = 0; i < count; ++i) {
    const std::string_view key = texts[i].key;
    const size_t length = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE ? texts[i].itxt_length
                                                                            : texts[i].text_length;
    const std::string_view text(texts[i].text, length);
    if (key == "XML:com.adobe.xmp") xmp = text;
    if (key == "Raw profile type exif") {
      // Three lines (empty, the type, the length), then hexadecimal digits.
      size_t start = 0;
      for (int line = 0; line < 3 && start != std::string_view::npos; ++line) {
        start = text.find('\n', start);
        if (start != std::string_view::npos) ++start;
      }
      if (start != std::string_view::npos) exif = unhex(text.substr(start));
    }
  }
  png_bytep chunk = nullptr;
  png_uint_32 chunk_bytes = 0;
  if (png_get_eXIf_1(reader.png, reader.info, &chunk_bytes, &chunk) != 0) {
    exif.assign(reinterpret_cast<const char*>(chunk), chunk_bytes);
  }
  return orientation_of(exif, xmp);
}

std::string describe_drop(int color_type, bool grey16) {
  if ((color_type & PNG_COLOR_MASK_ALPHA) != 0) return "alpha dropped";
  return grey16 ? "16-bit grey clipped to 255" : "";
}

}  // namespace

Stored decode_png(std::string_view bytes, std::string_view name) {
  // Ahead of libpng, whose own refusal of a bad size does not say which.
  if (bytes.size() >= kHeaderBytes) check_size(read_u32(bytes, 16), read_u32(bytes, 20), name);
  PngReader reader(bytes);
  const auto refuse = [&] {
    fail("picture '", name, "': found a PNG that does not decode (", reader.message,
         "), wanted a complete one");
  };
  if (!run_guarded(reader, &read_header)) refuse();
  require(reader.info != nullptr, "picture '", name, "': libpng could not be set up");
  const int64_t width = png_get_image_width(reader.png, reader.info);
  const int64_t height = png_get_image_height(reader.png, reader.info);
  check_size(width, height, name);
  const auto stored_bytes =
      static_cast<int64_t>(png_get_rowbytes(reader.png, reader.info)) * height;
  require(stored_bytes / kMaxInflation <= static_cast<int64_t>(bytes.size()), "picture '", name,
          "': found ", bytes.size(), " bytes for a PNG of ", width, " x ", height,
          " pixels, wanted a complete one");
  const int color_type = png_get_color_type(reader.png, reader.info);
  const bool grey16 = is_grey16(reader);
  if (!run_guarded(reader, &set_transforms)) refuse();
  const auto row_bytes = static_cast<int64_t>(png_get_rowbytes(reader.png, reader.info));
  require(row_bytes == width * 3 || row_bytes == width * 2 || row_bytes == width, "picture '", name,
          "': found PNG rows of ", row_bytes, " bytes, wanted 1 to 3 bytes for each of ", width,
          " pixels");
  reader.image = RgbImage(width, height);
  for (int64_t y = 0; y < height; ++y) {
    reader.rows.push_back(reader.image.row(y) + width * 3 - row_bytes);
  }
  if (!run_guarded(reader, &read_rows)) refuse();
  if (row_bytes != width * 3) {
    const Palette palette = read_palette(reader);
    for (int64_t y = 0; y < height; ++y) {
      expand_row(reader.image.row(y), width, row_bytes, palette);
    }
  }
  // What follows the pixels is only looked at for the orientation: damage there spoils nothing.
  run_guarded(reader, &read_end);
  return {.image = std::move(reader.image),
          .orientation = read_orientation(reader),
          .note = describe_drop(color_type, grey16)};
}

}  // namespace visavis::picture
