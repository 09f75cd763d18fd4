// Any JSON: the settings are refused with Error, or they prepare a small picture without harm; the
// same as settings of videos.
#include <cstdlib>

#include "base/error.h"
#include "engine/vision/prepare.h"
#include "engine/vision/video.h"

namespace {

void prepare_video_of(const visavis::base::Json& json) {
  using namespace visavis;
  try {
    const auto rules = vision::parse_video_rules(checkpoint::ConfigReader(json, "fuzz.json"));
    if (!rules) return;
    const std::vector<int64_t> frames = vision::sampled_frames(100, 25, *rules);
    if (frames.empty() || frames.back() > 99) std::abort();
    const auto count = static_cast<int64_t>(frames.size());
    const vision::Extent size = vision::video_extent(count, 40, 30, *rules, "fuzz");
    if (size.height * size.width * count > vision::kMaxVideoPixels) std::abort();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  constexpr int64_t kMostPixels = 1 << 20;  // so that one input stays fast
  try {
    const base::Json json =
        base::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz.json");
    prepare_video_of(json);
    const vision::Preprocessor preprocessor =
        vision::parse_preprocessor(checkpoint::ConfigReader(json, "fuzz.json"));
    const vision::Geometry geometry = vision::geometry_of(40, 30, preprocessor, "fuzz");
    if (geometry.width * geometry.height > kMostPixels ||
        geometry.resized_width + geometry.resized_height > kMostPixels) {
      return 0;
    }
    const vision::Patches patches =
        vision::prepare_pixels(picture::RgbImage(40, 30), "fuzz", preprocessor);
    if (patches.values().empty()) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
