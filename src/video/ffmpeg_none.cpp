// Stands in for ffmpeg/ where FFmpeg's headers were not found.
#include "base/error.h"
#include "video/video.h"

namespace visavis::video {
namespace {

[[noreturn]] void refuse(std::string_view name) {
  fail("video '", name,
       "': this build reads no video files (FFmpeg's libraries were not found when it was built); "
       "wanted a folder of its frames");
}

}  // namespace

bool built_in() { return false; }

Facts look(std::string_view, std::string_view name) { refuse(name); }

void read_frames(std::string_view, std::string_view name, const Facts&, std::span<const int64_t>,
                 const std::function<void(picture::RgbImage)>&) {
  refuse(name);
}

}  // namespace visavis::video
