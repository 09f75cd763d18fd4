// Any bytes: a video's frames or an Error. What the file says bounds what is decoded; a few small
// frames are enough to go through every step.
#include <cstdlib>

#include "base/error.h"
#include "video/video.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const video::Facts facts = video::look(bytes, "fuzz");
    if (facts.frames() < 1 || !(facts.frame_rate > 0)) std::abort();
    constexpr int64_t kFew = 1 << 20;
    if (facts.frames() * facts.width * facts.height > kFew) return 0;
    const int64_t numbers[] = {0, facts.frames() / 2, facts.frames() - 1};
    int taken = 0;
    video::read_frames(bytes, "fuzz", facts, numbers, [&taken](const picture::RgbImage& frame) {
      if (frame.pixels.size() != static_cast<size_t>(frame.width * frame.height * 3)) std::abort();
      ++taken;
    });
    if (taken != 3) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
