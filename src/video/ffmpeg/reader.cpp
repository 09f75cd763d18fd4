#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "picture/orient.h"
#include "video/ffmpeg/libraries.h"
#include "video/video.h"

namespace visavis::video {
namespace {

// What people have. Playlists and everything else that names other files are not among them.
constexpr const char* kFormats = "mov,matroska,avi,mpegts,mpeg,ogg,flv,gif";
constexpr const char* kCodecs =
    "h264,hevc,av1,libdav1d,vp8,vp9,mpeg4,h263,mpeg1video,mpeg2video,theora,mjpeg,gif,png,ffv1";
constexpr int kIoBytes = 1 << 16;
constexpr int kThreads = 4;

std::string words_of(const Libraries& av, int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av.strerror(error, text, sizeof text);
  return text;
}

/// The file in memory, as FFmpeg reads it.
struct Bytes {
  std::string_view all;
  int64_t at = 0;
};

int read_bytes(void* opaque, uint8_t* to, int wanted) {
  auto& bytes = *static_cast<Bytes*>(opaque);
  const auto left = static_cast<int64_t>(bytes.all.size()) - bytes.at;
  const int64_t count = std::min<int64_t>(left, wanted);
  if (count <= 0) return AVERROR_EOF;
  std::memcpy(to, bytes.all.data() + bytes.at, static_cast<size_t>(count));
  bytes.at += count;
  return static_cast<int>(count);
}

int64_t seek_bytes(void* opaque, int64_t offset, int whence) {
  auto& bytes = *static_cast<Bytes*>(opaque);
  const auto size = static_cast<int64_t>(bytes.all.size());
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return size;
  const int64_t base = whence == SEEK_CUR ? bytes.at : whence == SEEK_END ? size : 0;
  // A byte behind the end is nowhere.
  if (offset < -base || offset > size - base) return AVERROR(EINVAL);
  bytes.at = base + offset;
  return bytes.at;
}

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

/// An opened file and its video stream.
class Container {
 public:
  Container(const Libraries& av, std::string_view bytes, std::string_view name)
      : av_(av), name_(name), bytes_{bytes} {
    // FFmpeg may put another buffer in the place of this one.
    auto* const buffer = static_cast<uint8_t*>(av.malloc(kIoBytes));
    io_.reset(av.alloc_io(buffer, kIoBytes, 0, &bytes_, &read_bytes, nullptr, &seek_bytes));
    format_ = av.alloc_format();
    require(io_ && format_ != nullptr, "video '", name, "': no memory to open it");
    format_->pb = io_.get();
    format_->flags |= AVFMT_FLAG_CUSTOM_IO;
    format_->io_open = &refuse_to_open;
    AVDictionary* options = nullptr;
    av.dict_set(&options, "format_whitelist", kFormats, 0);
    av.dict_set(&options, "codec_whitelist", kCodecs, 0);
    av.dict_set(&options, "protocol_whitelist", "none", 0);
    // On failure the context is gone.
    const int opened = av.open_input(&format_, nullptr, nullptr, &options);
    av.dict_free(&options);
    if (opened < 0) {
      fail("video '", name, "': found no video that can be read (", words_of(av, opened),
           "), wanted MP4, MOV, WebM, Matroska, AVI, MPEG, Ogg, FLV or GIF");
    }
    const int found = look_at_streams();
    const int stream =
        found < 0 ? found : av.find_best_stream(format_, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (stream < 0 || (format_->streams[stream]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) {
      close();
      fail("video '", name, "': the file holds no video");
    }
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
      if (static_cast<int>(i) != stream) format_->streams[i]->discard = AVDISCARD_ALL;
    }
    stream_ = format_->streams[stream];
  }
  ~Container() { close(); }
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const AVStream& stream() const { return *stream_; }
  const AVCodecParameters& codec() const { return *stream_->codecpar; }
  const char* format_name() const { return format_->iformat->name; }

  /// The next packet of the video; false at the end, also where the file breaks off.
  bool next(AVPacket& packet) {
    while (av_.read_frame(format_, &packet) >= 0) {
      if (packet.stream_index == stream_->index) return true;
      av_.packet_unref(&packet);
    }
    return false;
  }

 private:
  // Decodes a few frames where headers do not say enough: within the bounds, too.
  int look_at_streams() {
    std::vector<AVDictionary*> options(format_->nb_streams, nullptr);
    for (AVDictionary*& each : options) {
      av_.dict_set(&each, "max_pixels", std::to_string(kMaxFramePixels).c_str(), 0);
      av_.dict_set(&each, "threads", "1", 0);
    }
    const int found = av_.find_stream_info(format_, options.empty() ? nullptr : options.data());
    for (AVDictionary*& each : options) av_.dict_free(&each);
    return found;
  }

  struct FreeIo {
    void operator()(AVIOContext* io) const {
      libraries().free(io->buffer);
      libraries().free_io(&io);
    }
  };
  void close() {
    if (format_ != nullptr) av_.close_input(&format_);
  }

  const Libraries& av_;
  std::string_view name_;
  Bytes bytes_;
  std::unique_ptr<AVIOContext, FreeIo> io_;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
};

struct FreePacket {
  void operator()(AVPacket* packet) const { libraries().packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { libraries().frame_free(&frame); }
};
struct FreeDecoder {
  void operator()(AVCodecContext* decoder) const { libraries().free_decoder(&decoder); }
};
struct FreeScaler {
  void operator()(SwsContext* scaler) const { libraries().free_scaler(scaler); }
};
using Packet = std::unique_ptr<AVPacket, FreePacket>;
using Frame = std::unique_ptr<AVFrame, FreeFrame>;
using Decoder = std::unique_ptr<AVCodecContext, FreeDecoder>;

void check_frame(int64_t width, int64_t height, std::string_view name) {
  require(width >= 1 && height >= 1 && height <= kMaxFramePixels / width, "video '", name,
          "': found frames of ", width, " x ", height, " pixels, wanted 1 to ", kMaxFramePixels);
}

int orientation_of(const Libraries& av, const AVStream& stream) {
  size_t bytes = 0;
  const uint8_t* const matrix = av.stream_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);
  if (matrix == nullptr || bytes < 9 * sizeof(int32_t)) return 1;
  int32_t values[9];
  std::memcpy(values, matrix, sizeof values);
  const double counterclockwise = av.display_rotation_get(values);
  if (!std::isfinite(counterclockwise)) return 1;
  const auto quarters = (static_cast<int>(std::lround(-counterclockwise / 90)) % 4 + 4) % 4;
  constexpr int kClockwise[] = {1, 6, 3, 8};
  return kClockwise[quarters];
}

double seconds(int64_t time, AVRational unit) {
  return static_cast<double>(time) * unit.num / unit.den;
}

int64_t time_of(const AVPacket& packet) {
  return packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
}

/// Decodes frame after frame in the order they are shown.
class Frames {
 public:
  Frames(const Libraries& av, Container& container, std::string_view name)
      : av_(av), container_(container), name_(name), packet_(av.packet_alloc()) {
    const AVCodecParameters& wanted = container.codec();
    const AVCodec* const codec = av.find_decoder(wanted.codec_id);
    decoder_.reset(codec == nullptr ? nullptr : av.alloc_decoder(codec));
    require(decoder_ && packet_, "video '", name, "': FFmpeg on this machine has no decoder for ",
            av.codec_name(wanted.codec_id));
    av.parameters_to_context(decoder_.get(), &wanted);
    decoder_->pkt_timebase = container.stream().time_base;
    decoder_->max_pixels = kMaxFramePixels;
    decoder_->thread_count = kThreads;
    AVDictionary* options = nullptr;
    av.dict_set(&options, "codec_whitelist", kCodecs, 0);
    const int opened = av.open_decoder(decoder_.get(), codec, &options);
    av.dict_free(&options);
    require(opened >= 0, "video '", name, "': its codec ", av.codec_name(wanted.codec_id),
            " cannot be decoded (", words_of(av, opened), ")");
  }

  /// False at the end. Packets that cannot be decoded are passed over.
  bool next(AVFrame& frame) {
    while (true) {
      const int received = av_.receive_frame(decoder_.get(), &frame);
      if (received >= 0) return true;
      if (received == AVERROR_EOF || ended_) return false;
      if (container_.next(*packet_)) {
        av_.send_packet(decoder_.get(), packet_.get());
        av_.packet_unref(packet_.get());
      } else {
        av_.send_packet(decoder_.get(), nullptr);
        ended_ = true;
      }
    }
  }

 private:
  const Libraries& av_;
  Container& container_;
  std::string_view name_;
  Packet packet_;
  Decoder decoder_;
  bool ended_ = false;
};

/// Frames of one size to RGB.
class Converter {
 public:
  Converter(const Libraries& av, std::string_view name) : av_(av), name_(name) {}

  picture::RgbImage rgb(const AVFrame& frame) {
    check_frame(frame.width, frame.height, name_);
    if (width_ == 0) {
      width_ = frame.width;
      height_ = frame.height;
    }
    require(frame.width == width_ && frame.height == height_, "video '", name_,
            "': found frames of ", width_, " x ", height_, " and of ", frame.width, " x ",
            frame.height, " pixels, wanted one size");
    scaler_.reset(av_.cached_scaler(
        scaler_.release(), frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
        frame.width, frame.height, AV_PIX_FMT_RGB24, SWS_BILINEAR, nullptr, nullptr, nullptr));
    require(scaler_ != nullptr, "video '", name_, "': its pixel format ", frame.format,
            " cannot be converted to RGB");
    const int* const colours = av_.coefficients(frame.colorspace);
    const int full = frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0;
    constexpr int kOne = 1 << 16;
    // Formats that hold RGB already refuse this, and need it not.
    av_.set_colours(scaler_.get(), colours, full, av_.coefficients(SWS_CS_DEFAULT), 1, 0, kOne,
                    kOne);
    // The scaler's vector code may write a little behind a row's end.
    constexpr int64_t kAlignment = 64;
    const int64_t row = width_ * 3;
    const int64_t stride = (row + kAlignment - 1) / kAlignment * kAlignment + kAlignment;
    padded_.resize(static_cast<size_t>(stride * height_ + kAlignment));
    uint8_t* const planes[4] = {padded_.data(), nullptr, nullptr, nullptr};
    const int strides[4] = {static_cast<int>(stride), 0, 0, 0};
    av_.scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
    picture::RgbImage image(width_, height_);
    for (int64_t y = 0; y < height_; ++y)
      std::memcpy(image.row(y), padded_.data() + y * stride, static_cast<size_t>(row));
    return image;
  }

 private:
  const Libraries& av_;
  std::string_view name_;
  int64_t width_ = 0;
  int64_t height_ = 0;
  std::unique_ptr<SwsContext, FreeScaler> scaler_;
  std::vector<uint8_t> padded_;
};

}  // namespace

bool built_in() { return true; }

Facts look(std::string_view bytes, std::string_view name) {
  const Libraries& av = libraries();
  require(static_cast<int64_t>(bytes.size()) <= kMaxFileBytes, "video '", name, "': found ",
          bytes.size(), " bytes, wanted at most ", kMaxFileBytes);
  Container container(av, bytes, name);
  const AVCodecParameters& codec = container.codec();
  check_frame(codec.width, codec.height, name);
  Facts facts{.format = std::string(container.format_name()) + " " + av.codec_name(codec.codec_id),
              .width = codec.width,
              .height = codec.height,
              .orientation = orientation_of(av, container.stream())};
  const Packet packet(av.packet_alloc());
  require(packet != nullptr, "video '", name, "': no memory to read it");
  int64_t end = INT64_MIN;
  bool reordered = false;  // packets come in another order than they are shown
  while (container.next(*packet)) {
    const bool shown = (packet->flags & AV_PKT_FLAG_DISCARD) == 0;
    const int64_t behind_last = end == INT64_MIN ? 0 : end;
    // Times of days in microseconds are far below this.
    constexpr int64_t kFar = int64_t{1} << 60;
    const int64_t time = time_of(*packet) == AV_NOPTS_VALUE ? behind_last : time_of(*packet);
    facts.timed = facts.timed && packet->pts != AV_NOPTS_VALUE;
    reordered = reordered || (!facts.times.empty() && time < facts.times.back());
    const int64_t lasts = std::clamp<int64_t>(packet->duration, 0, kFar);
    av.packet_unref(packet.get());
    if (!shown) continue;
    require(time > -kFar && time < kFar, "video '", name, "': found a frame at time ", time,
            " of its clock, wanted less than 2^60");
    facts.times.push_back(time);
    end = std::max(end, time + lasts);
    require(
        facts.frames() <= kMaxFrames && facts.frames() <= kMaxPixels / (facts.width * facts.height),
        "video '", name, "': found more than ", facts.frames() - 1, " frames of ", facts.width,
        " x ", facts.height, " pixels, wanted at most ", kMaxFrames, " frames and ", kMaxPixels,
        " pixels in all");
  }
  require(!facts.times.empty(), "video '", name, "': found no frame");
  if (!reordered && codec.video_delay > 0) facts.timed = false;
  std::sort(facts.times.begin(), facts.times.end());
  const AVRational unit = container.stream().time_base;
  const double length = seconds(end, unit) - seconds(facts.times.front(), unit);
  const AVRational average = container.stream().avg_frame_rate;
  if (length > 0)
    facts.frame_rate = static_cast<double>(facts.frames()) / length;
  else if (average.num > 0 && average.den > 0)
    facts.frame_rate = static_cast<double>(average.num) / average.den;
  require(facts.frame_rate > 0 && std::isfinite(facts.frame_rate), "video '", name,
          "': the file does not tell how long its ", facts.frames(), " frames last");
  return facts;
}

void read_frames(std::string_view bytes, std::string_view name, const Facts& facts,
                 std::span<const int64_t> numbers,
                 const std::function<void(picture::RgbImage)>& take) {
  const Libraries& av = libraries();
  Container container(av, bytes, name);
  Frames frames(av, container, name);
  Converter converter(av, name);
  Frame shown(av.frame_alloc());  // the latest frame
  Frame next(av.frame_alloc());
  require(shown && next, "video '", name, "': no memory to decode it");
  const auto wanted = [&](size_t i) { return facts.times.at(static_cast<size_t>(numbers[i])); };
  int64_t decoded = 0;
  size_t done = 0;
  const auto hand_over = [&] {
    take(picture::apply_orientation(converter.rgb(*shown), facts.orientation));
    ++done;
  };
  while (done < numbers.size() && frames.next(*next)) {
    // A frame is shown until the next one comes.
    const int64_t time = next->best_effort_timestamp;
    const auto is_over = [&](size_t i) {
      return facts.timed ? time != AV_NOPTS_VALUE && wanted(i) < time : numbers[i] < decoded;
    };
    while (decoded > 0 && done < numbers.size() && is_over(done)) hand_over();
    av.frame_unref(shown.get());
    av.frame_move_ref(shown.get(), next.get());
    ++decoded;
  }
  require(decoded > 0, "video '", name, "': none of its ", facts.frames(),
          " frames can be decoded");
  while (done < numbers.size()) hand_over();
}

}  // namespace visavis::video
