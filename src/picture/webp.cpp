// WebP (lossy, lossless, first frame of an animation) through libwebp. A frame smaller than the
// canvas lies on black, as the oracle's decoder leaves it.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "picture/codecs.h"
#include "picture/exif.h"

namespace visavis::picture {
namespace {

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

/// The first chunk of this four-letter name, borrowed from the file; empty if there is none.
std::string_view chunk_of(const WebPDemuxer* demuxer, const char* fourcc) {
  WebPChunkIterator iterator{};
  std::string_view chunk;
  if (WebPDemuxGetChunk(demuxer, fourcc, 1, &iterator) != 0) {
    chunk = {reinterpret_cast<const char*>(iterator.chunk.bytes), iterator.chunk.size};
  }
  WebPDemuxReleaseChunkIterator(&iterator);
  return chunk;
}

}  // namespace

Stored decode_webp(std::string_view bytes, std::string_view name) {
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const Demuxer demuxer(WebPDemux(&data), &WebPDemuxDelete);
  require(demuxer != nullptr, "picture '", name,
          "': found a WebP that is truncated or damaged, wanted a complete one");
  const int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_size(width, height, name);

  WebPIterator frame{};
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(
      &frame, &WebPDemuxReleaseIterator);
  require(WebPDemuxGetFrame(demuxer.get(), 1, &frame) != 0 && frame.complete != 0, "picture '",
          name, "': found a WebP without a complete frame, wanted at least one");
  WebPBitstreamFeatures features{};
  require(WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &features) == VP8_STATUS_OK &&
              features.width == frame.width && features.height == frame.height &&
              frame.x_offset >= 0 && frame.y_offset >= 0 &&
              frame.x_offset + int64_t{frame.width} <= width &&
              frame.y_offset + int64_t{frame.height} <= height,
          "picture '", name, "': found a WebP frame that does not fit its ", width, " x ", height,
          " canvas");

  Stored stored{.image = RgbImage(width, height), .orientation = 1, .note = ""};
  uint8_t* target = stored.image.row(frame.y_offset) + int64_t{frame.x_offset} * 3;
  const auto stride = static_cast<int>(width * 3);
  const auto reach =
      static_cast<size_t>(stored.image.pixels.data() + stored.image.pixels.size() - target);
  require(WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, target, reach, stride) !=
              nullptr,
          "picture '", name, "': found a WebP that does not decode, wanted a complete one");
  stored.orientation =
      orientation_of(chunk_of(demuxer.get(), "EXIF"), chunk_of(demuxer.get(), "XMP "));
  if (frame.num_frames > 1) {
    stored.note = "first of " + std::to_string(frame.num_frames) + " frames";
  } else if (features.has_alpha != 0) {
    stored.note = "alpha dropped";
  }
  return stored;
}

}  // namespace visavis::picture
