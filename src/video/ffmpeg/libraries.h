// FFmpeg's functions that video/ calls, found when they are first needed: linked in, its libraries
// and the hundred that they need would be loaded at every start of the program.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libswscale/swscale.h>
}

namespace visavis::video {

struct Libraries {
  // libavutil
  decltype(&::av_malloc) malloc;
  decltype(&::av_free) free;
  decltype(&::av_strerror) strerror;
  decltype(&::av_log_set_level) log_set_level;
  decltype(&::av_dict_set) dict_set;
  decltype(&::av_dict_free) dict_free;
  decltype(&::av_frame_alloc) frame_alloc;
  decltype(&::av_frame_free) frame_free;
  decltype(&::av_frame_unref) frame_unref;
  decltype(&::av_frame_move_ref) frame_move_ref;
  decltype(&::av_display_rotation_get) display_rotation_get;
  // libavcodec
  decltype(&::avcodec_find_decoder) find_decoder;
  decltype(&::avcodec_get_name) codec_name;
  decltype(&::avcodec_alloc_context3) alloc_decoder;
  decltype(&::avcodec_free_context) free_decoder;
  decltype(&::avcodec_parameters_to_context) parameters_to_context;
  decltype(&::avcodec_open2) open_decoder;
  decltype(&::avcodec_send_packet) send_packet;
  decltype(&::avcodec_receive_frame) receive_frame;
  decltype(&::av_packet_alloc) packet_alloc;
  decltype(&::av_packet_free) packet_free;
  decltype(&::av_packet_unref) packet_unref;
  // libavformat
  decltype(&::avio_alloc_context) alloc_io;
  decltype(&::avio_context_free) free_io;
  decltype(&::avformat_alloc_context) alloc_format;
  decltype(&::avformat_open_input) open_input;
  decltype(&::avformat_close_input) close_input;
  decltype(&::avformat_find_stream_info) find_stream_info;
  decltype(&::av_find_best_stream) find_best_stream;
  decltype(&::av_read_frame) read_frame;
  decltype(&::av_stream_get_side_data) stream_side_data;
  // libswscale
  decltype(&::sws_getCachedContext) cached_scaler;
  decltype(&::sws_freeContext) free_scaler;
  decltype(&::sws_getCoefficients) coefficients;
  decltype(&::sws_setColorspaceDetails) set_colours;
  decltype(&::sws_scale) scale;
};

/// Opens the libraries of the versions that the program was built with, once. Throws Error naming
/// the library that is missing. Thread-safe.
const Libraries& libraries();

}  // namespace visavis::video
