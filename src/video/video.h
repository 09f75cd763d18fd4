// Video files (MP4, WebM, AVI, ...) to upright RGB frames by number. Decoding is FFmpeg's, whose
// libraries are opened when the first video is; a build without them says so (ffmpeg_none.cpp).
// Which frames a model sees, and at what size, is engine/vision's business.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "picture/rgb_image.h"

namespace visavis::video {

/// Larger files are refused before they are read.
inline constexpr int64_t kMaxFileBytes = int64_t{1} << 30;
/// Bounds of one video: pixels of a frame (8K has 33,177,600), frames, and pixels of all frames.
/// A codec may keep some twenty frames: of the largest ones about 1 GB.
inline constexpr int64_t kMaxFramePixels = int64_t{1} << 25;
inline constexpr int64_t kMaxFrames = int64_t{1} << 20;
inline constexpr int64_t kMaxPixels = int64_t{1} << 41;

/// What a video file says, found by reading it once without decoding.
struct Facts {
  std::string format;     // "mov,mp4,... h264"
  double frame_rate = 0;  // frames / (end of the last - begin of the first)
  std::vector<int64_t> times =
      {};             // of every frame in the order they are shown, in the file's units
  int64_t width = 0;  // as stored
  int64_t height = 0;
  /// Frames are found by these times; else by counting them: files without times, or with times
  /// that contradict the order in which the codec shows its frames.
  bool timed = true;
  int orientation = 1;  // as EXIF counts: 1, 3, 6 or 8

  int64_t frames() const { return static_cast<int64_t>(times.size()); }
};

/// Throws Error with one line: not a video, a format or codec that is not on the list, out of the
/// bounds above, or no FFmpeg. `name` is how errors call it. Thread-safe.
Facts look(std::string_view bytes, std::string_view name);

/// Decodes the file and hands over the frames with these numbers (ascending, repeats allowed, each
/// below facts.frames()), turned upright, one after the other; only they are converted. All have
/// one size. Where a frame cannot be decoded the one before it is shown. Throws Error.
void read_frames(std::string_view bytes, std::string_view name, const Facts& facts,
                 std::span<const int64_t> numbers,
                 const std::function<void(picture::RgbImage)>& take);

/// The build can read video files (whether the libraries are installed is seen when one is read).
bool built_in();

}  // namespace visavis::video
