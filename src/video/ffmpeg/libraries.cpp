#include "video/ffmpeg/libraries.h"

#include <dlfcn.h>

#include <string>

#include "base/error.h"

namespace visavis::video {
namespace {

// Stays open until the program ends: decoders of other threads may be using it.
class Library {
 public:
  Library(const char* name, int version)
      : file_(std::string(name) + ".so." + std::to_string(version)),
        handle_(::dlopen(file_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    require(handle_ != nullptr, "video files need ", file_,
            " of FFmpeg, which is not installed on this machine; a folder of frames works without");
  }

  template <class Function>
  void find(const char* name, Function& function) const {
    void* const found = ::dlsym(handle_, name);
    require(found != nullptr, file_, " has no function '", name, "'");
    function = reinterpret_cast<Function>(found);
  }

 private:
  std::string file_;
  void* handle_;
};

Libraries open_all() {
  Libraries all{};
  const Library util("libavutil", LIBAVUTIL_VERSION_MAJOR);
  util.find("av_malloc", all.malloc);
  util.find("av_free", all.free);
  util.find("av_strerror", all.strerror);
  util.find("av_log_set_level", all.log_set_level);
  util.find("av_dict_set", all.dict_set);
  util.find("av_dict_free", all.dict_free);
  util.find("av_frame_alloc", all.frame_alloc);
  util.find("av_frame_free", all.frame_free);
  util.find("av_frame_unref", all.frame_unref);
  util.find("av_frame_move_ref", all.frame_move_ref);
  util.find("av_display_rotation_get", all.display_rotation_get);
  const Library codec("libavcodec", LIBAVCODEC_VERSION_MAJOR);
  codec.find("avcodec_find_decoder", all.find_decoder);
  codec.find("avcodec_get_name", all.codec_name);
  codec.find("avcodec_alloc_context3", all.alloc_decoder);
  codec.find("avcodec_free_context", all.free_decoder);
  codec.find("avcodec_parameters_to_context", all.parameters_to_context);
  codec.find("avcodec_open2", all.open_decoder);
  codec.find("avcodec_send_packet", all.send_packet);
  codec.find("avcodec_receive_frame", all.receive_frame);
  codec.find("av_packet_alloc", all.packet_alloc);
  codec.find("av_packet_free", all.packet_free);
  codec.find("av_packet_unref", all.packet_unref);
  const Library format("libavformat", LIBAVFORMAT_VERSION_MAJOR);
  format.find("avio_alloc_context", all.alloc_io);
  format.find("avio_context_free", all.free_io);
  format.find("avformat_alloc_context", all.alloc_format);
  format.find("avformat_open_input", all.open_input);
  format.find("avformat_close_input", all.close_input);
  format.find("avformat_find_stream_info", all.find_stream_info);
  format.find("av_find_best_stream", all.find_best_stream);
  format.find("av_read_frame", all.read_frame);
  format.find("av_stream_get_side_data", all.stream_side_data);
  const Library scale("libswscale", LIBSWSCALE_VERSION_MAJOR);
  scale.find("sws_getCachedContext", all.cached_scaler);
  scale.find("sws_freeContext", all.free_scaler);
  scale.find("sws_getCoefficients", all.coefficients);
  scale.find("sws_setColorspaceDetails", all.set_colours);
  scale.find("sws_scale", all.scale);
  all.log_set_level(AV_LOG_QUIET);
  return all;
}

}  // namespace

const Libraries& libraries() {
  static const Libraries all = open_all();
  return all;
}

}  // namespace visavis::video
