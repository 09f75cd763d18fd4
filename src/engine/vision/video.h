// A video to what a vision encoder takes, equal to the oracle's: which frames, the time of each
// temporal patch, one size for all of them. A temporal patch is a few frames that one grid of
// patches spans. Pure functions on numbers first, prepare_video() last.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/vision/prepare.h"
#include "engine/vision/preprocessor.h"
#include "picture/rgb_image.h"

namespace visavis::vision {

/// How a checkpoint wants its videos prepared.
struct VideoRules {
  /// Of a frame; min_pixels and max_pixels count the pixels of all frames that are taken,
  /// temporal_copies the frames of a temporal patch.
  Preprocessor frame;
  double frame_rate = 2;  // frames taken of a second
  int64_t min_frames = 4;
  int64_t max_frames = 768;
};

/// The `video_processor` of processor_config.json, else video_preprocessor_config.json, else
/// preprocessor_config.json, as the oracle looks for it; what it does not say is as in
/// Qwen3VLVideoProcessor. Nothing if it names another processor of videos. Throws Error naming
/// file, key, found and wanted.
std::optional<VideoRules> read_video_rules(const std::filesystem::path& folder);
std::optional<VideoRules> parse_video_rules(const checkpoint::ConfigReader& config);

/// Throws Error for too few pixels for one merged patch.
void apply_overrides(VideoRules& rules, const Overrides& overrides);

/// Which of `total` frames at `rate` frames a second are taken: evenly spread from the first to the
/// last, ascending. Throws Error for less than one frame.
std::vector<int64_t> sampled_frames(int64_t total, double rate, const VideoRules& rules);

/// Seconds of each temporal patch: the middle between its first and its last frame. The last frame
/// is repeated until the last patch is full.
std::vector<double> patch_seconds(std::span<const int64_t> frames, double rate, int64_t per_patch);

/// What the prompt says before a temporal patch: "<1.3 seconds>".
std::string time_mark(double seconds);

/// The size of every frame when `count` of width x height are taken. Throws Error (less frames than
/// a temporal patch has, an aspect ratio above 200, sizes out of bounds); `name` is how errors call
/// the video.
Extent video_extent(int64_t count, int64_t width, int64_t height, const VideoRules& rules,
                    std::string_view name);

/// Pixels of all frames that are taken, after resizing, are refused above this (805 MB of RGB).
inline constexpr int64_t kMaxVideoPixels = int64_t{1} << 28;

/// A video as it comes: a file, or frames as picture files.
struct VideoInput {
  std::string_view name;
  std::string_view file;                      // its bytes; empty: there are frames
  std::vector<std::string_view> frames = {};  // bytes of pictures
  std::vector<std::string> frame_names = {};  // how errors call them
  double frame_rate = 0;                      // of the frames
};

struct TemporalPatch {
  std::vector<picture::RgbImage> frames;  // temporal_copies, resized
  double seconds = 0;
};

struct PreparedVideo {
  std::vector<TemporalPatch> patches;
  std::vector<float> levels;  // as Patches::levels
  int64_t grid_h = 0;         // patches down, of each temporal patch
  int64_t grid_w = 0;
  std::string sha256;  // of the settings and the video's bytes: names the features in a cache
  std::string note;    // "a.mp4: 20 of 300 frames (0.0 to 9.9 s at 2 a second), 640x480 ..."
  double decode_seconds = 0;
  double resize_seconds = 0;
};

/// Reads, decodes and resizes what is taken of a video. Throws Error (not a video, frames of
/// different sizes, out of bounds). `pool` may be null.
PreparedVideo prepare_video(const VideoInput& video, const VideoRules& rules,
                            const base::Clock& clock, base::ThreadPool* pool = nullptr);

}  // namespace visavis::vision
