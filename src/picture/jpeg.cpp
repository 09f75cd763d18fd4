// JPEG through libjpeg-turbo with Pillow's settings: exact ("islow") inverse transform, fancy
// upsampling, block smoothing; four components are always read as inverted CMYK.
//
// libjpeg reports errors by calling error_exit, which must not return. It jumps back into
// run_guarded(), whose frame and everything above it hold no object with a destructor; all state
// lives in JpegReader, owned by decode_jpeg().
#include <csetjmp>
#include <cstddef>
#include <cstdio>
//
#include <jpeglib.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "picture/codecs.h"
#include "picture/decode.h"
#include "picture/exif.h"

namespace visavis::picture {
namespace {

// A progressive file may repeat its scans for ever; each costs a pass over the whole picture.
constexpr int64_t kMaxScans = 500;
constexpr int64_t kMaxScanPixels = int64_t{1} << 32;  // scans x pixels

// Huffman codes spend at least one bit on each 8 x 8 block of the finest component; a file too
// short for its own size is refused before memory is taken for it.
constexpr int64_t kMaxPixelsPerByte = 8 * 64;

struct JpegReader {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = {};
  RgbImage image;
  std::vector<uint8_t> cmyk_row;

  explicit JpegReader(std::string_view bytes);
  ~JpegReader() { jpeg_destroy_decompress(&info); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
};

JpegReader& reader_of(j_common_ptr info) { return *static_cast<JpegReader*>(info->client_data); }

[[noreturn]] void stop(JpegReader& reader, const char* message) {
  std::snprintf(reader.message, sizeof reader.message, "%s", message);
  std::longjmp(reader.jump, 1);
}

[[noreturn]] void on_error(j_common_ptr info) {
  JpegReader& reader = reader_of(info);
  info->err->format_message(info, reader.message);
  std::longjmp(reader.jump, 1);
}

boolean on_end_of_bytes(j_decompress_ptr info) {
  stop(reader_of(reinterpret_cast<j_common_ptr>(info)), "the file is truncated");
}

void on_skip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) on_end_of_bytes(info);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<size_t>(count);
}

void on_progress(j_common_ptr common) {
  JpegReader& reader = reader_of(common);
  const int64_t pixels = static_cast<int64_t>(reader.info.image_width) *
                         static_cast<int64_t>(reader.info.image_height);
  const int64_t limit = std::min(kMaxScans, kMaxScanPixels / std::max<int64_t>(pixels, 1));
  if (reader.info.input_scan_number > limit) stop(reader, "too many progressive scans");
}

JpegReader::JpegReader(std::string_view bytes) {
  info.err = jpeg_std_error(&errors);
  errors.error_exit = &on_error;
  errors.output_message = [](j_common_ptr) {};
  source.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
  source.bytes_in_buffer = bytes.size();
  source.init_source = [](j_decompress_ptr) {};
  source.fill_input_buffer = &on_end_of_bytes;
  source.skip_input_data = &on_skip;
  source.resync_to_restart = &jpeg_resync_to_restart;
  source.term_source = [](j_decompress_ptr) {};
  progress.progress_monitor = &on_progress;
}

/// Runs one step of the decoder; false if libjpeg stopped, with reader.message set.
template <class Step>
bool run_guarded(JpegReader& reader, Step step) {
  if (setjmp(reader.jump) != 0) return false;
  step(reader);
  return true;
}

void read_header(JpegReader& reader) {
  reader.info.client_data = &reader;  // kept by jpeg_create_decompress, which clears the rest
  jpeg_create_decompress(&reader.info);
  reader.info.src = &reader.source;
  reader.info.progress = &reader.progress;
  jpeg_save_markers(&reader.info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&reader.info, TRUE);
}

/// One row of Adobe's inverted CMYK to RGB by Pillow's formula, 255 - k - round(c * (255 - k) /
/// 255) with c, m, y, k inverted first.
void cmyk_to_rgb(const uint8_t* in, uint8_t* out, int64_t width) {
  for (int64_t x = 0; x < width; ++x, in += 4, out += 3) {
    const int white = in[3];
    for (int channel = 0; channel < 3; ++channel) {
      const int product = (255 - in[channel]) * white + 128;
      const int ink = ((product >> 8) + product) >> 8;
      out[channel] = static_cast<uint8_t>(std::clamp(white - ink, 0, 255));
    }
  }
}

/// Grey values at the end of a row's bytes spread over the whole row.
void grey_to_rgb_in_place(uint8_t* row, int64_t width) {
  const uint8_t* grey = row + 2 * width;
  for (int64_t x = 0; x < width; ++x) {
    const uint8_t value = grey[x];
    row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = value;
  }
}

void read_rows(JpegReader& reader) {
  jpeg_start_decompress(&reader.info);
  const int64_t width = reader.image.width;
  while (reader.info.output_scanline < reader.info.output_height) {
    uint8_t* out = reader.image.row(reader.info.output_scanline);
    const int components = reader.info.output_components;
    JSAMPROW target = components == 4   ? reader.cmyk_row.data()
                      : components == 1 ? out + 2 * width
                                        : out;
    jpeg_read_scanlines(&reader.info, &target, 1);
    if (components == 4) cmyk_to_rgb(target, out, width);
    if (components == 1) grey_to_rgb_in_place(out, width);
  }
}

/// The EXIF and XMP blocks of the APP1 markers.
int read_orientation(const jpeg_decompress_struct& info) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  std::string exif;
  std::string_view xmp;
  for (const auto* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(kExif)) exif += data.substr(kExif.size());
    if (data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
  }
  return orientation_of(exif, xmp);
}

}  // namespace

Stored decode_jpeg(std::string_view bytes, std::string_view name) {
  JpegReader reader(bytes);
  const auto refuse = [&] {
    fail("picture '", name, "': found a JPEG that does not decode (", reader.message,
         "), wanted a complete one");
  };
  if (!run_guarded(reader, &read_header)) refuse();
  jpeg_decompress_struct& info = reader.info;
  check_size(info.image_width, info.image_height, name);
  const int64_t pixels = int64_t{info.image_width} * info.image_height;
  require(
      info.arith_code != FALSE || pixels / kMaxPixelsPerByte <= static_cast<int64_t>(bytes.size()),
      "picture '", name, "': found ", bytes.size(), " bytes for a JPEG of ", info.image_width,
      " x ", info.image_height, " pixels, wanted a complete one");
  const int components = info.num_components;
  require(components == 1 || components == 3 || components == 4, "picture '", name,
          "': found a JPEG of ", components, " components, wanted 1, 3 or 4");
  info.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
  const int orientation = read_orientation(info);
  reader.image = RgbImage(info.image_width, info.image_height);
  if (components == 4) reader.cmyk_row.resize(size_t{4} * info.image_width);
  if (!run_guarded(reader, &read_rows)) refuse();
  return {.image = std::move(reader.image),
          .orientation = orientation,
          .note = components == 4 ? "CMYK turned into RGB" : ""};
}

}  // namespace visavis::picture
