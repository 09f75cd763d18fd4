#include "engine/vision/video.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "picture/decode.h"
#include "picture/resize.h"
#include "video/video.h"

namespace visavis::vision {
namespace {

using checkpoint::ConfigReader;
using picture::RgbImage;

/// Python's round(): halves to even.
double rounded(double value) { return std::nearbyint(value); }

/// Takes the frames of a video in order, brings them to their size and gathers them in patches.
class Gathering {
 public:
  Gathering(PreparedVideo& out, const VideoRules& rules, std::string_view name, int64_t count,
            const base::Clock& clock, base::ThreadPool* pool)
      : out_(out), rules_(rules), name_(name), count_(count), clock_(clock), pool_(pool) {}

  void take(const RgbImage& frame, std::string_view frame_name) {
    if (!size_) {
      size_ = video_extent(count_, frame.width, frame.height, rules_, name_);
      found_ = {.height = frame.height, .width = frame.width};
    }
    require(frame.width == found_.width && frame.height == found_.height, "video '", name_,
            "': frame '", frame_name, "' has ", frame.width, " x ", frame.height,
            " pixels, wanted ", found_.width, " x ", found_.height, " as the first one");
    const int64_t start = clock_.now_ns();
    add(picture::resize(frame, size_->width, size_->height, rules_.frame.filter, pool_));
    out_.resize_seconds += base::seconds_between(start, clock_.now_ns());
  }

  /// Fills the last patch.
  void end() {
    while (static_cast<int64_t>(out_.patches.back().frames.size()) < rules_.frame.temporal_copies)
      out_.patches.back().frames.push_back(out_.patches.back().frames.back());
  }

  const Extent& found() const { return found_; }
  const Extent& size() const { return *size_; }

 private:
  void add(RgbImage frame) {
    if (out_.patches.empty() ||
        static_cast<int64_t>(out_.patches.back().frames.size()) == rules_.frame.temporal_copies)
      out_.patches.emplace_back();
    out_.patches.back().frames.push_back(std::move(frame));
  }

  PreparedVideo& out_;
  const VideoRules& rules_;
  std::string_view name_;
  int64_t count_;
  const base::Clock& clock_;
  base::ThreadPool* pool_;
  Extent found_;                // of the frames as they come
  std::optional<Extent> size_;  // after resizing
};

}  // namespace

std::optional<VideoRules> parse_video_rules(const ConfigReader& config) {
  const char* kind = "Qwen3VLVideoProcessor";
  if (config.string_or("video_processor_type", kind) != kind) return std::nullopt;
  VideoRules rules;
  rules.frame = parse_video_frames(config);
  rules.frame_rate = config.number_or("fps", 2, 1e-3, 1e3);
  constexpr int64_t kMostFrames = 1 << 16;
  rules.min_frames = config.int_or("min_frames", 4, 1, kMostFrames);
  rules.max_frames = config.int_or("max_frames", 768, rules.min_frames, kMostFrames);
  if (config.has("num_frames")) config.reject("num_frames", "none: fps tells how many are taken");
  if (!config.bool_or("do_sample_frames", true)) config.reject("do_sample_frames", "true");
  return rules;
}

std::optional<VideoRules> read_video_rules(const std::filesystem::path& folder) {
  const std::filesystem::path nested = folder / "processor_config.json";
  if (std::filesystem::exists(nested)) {
    const ConfigReader config = ConfigReader::open(nested);
    if (config.has("video_processor")) return parse_video_rules(config.section("video_processor"));
  }
  for (const char* name : {"video_preprocessor_config.json", "preprocessor_config.json"}) {
    if (std::filesystem::exists(folder / name))
      return parse_video_rules(ConfigReader::open(folder / name));
  }
  return parse_video_rules(ConfigReader(base::Json::object(), (folder / "(none)").string()));
}

void apply_overrides(VideoRules& rules, const Overrides& overrides) {
  if (overrides.max_video_pixels == 0) return;
  const int64_t side = rules.frame.patch_size * rules.frame.merge_size;
  const int64_t least = side * side * rules.frame.temporal_copies;
  require(overrides.max_video_pixels >= least && overrides.max_video_pixels <= kMaxVideoPixels,
          "max video pixels: found ", overrides.max_video_pixels, ", wanted ", least, " to ",
          kMaxVideoPixels);
  rules.frame.max_pixels = overrides.max_video_pixels;
}

std::vector<int64_t> sampled_frames(int64_t total, double rate, const VideoRules& rules) {
  require(total >= 1 && rate > 0, "found ", total, " frames at ", rate,
          " a second, wanted at least one");
  // int() of Python, but for counts beyond what matters here.
  const double asked = std::min(static_cast<double>(total) / rate * rules.frame_rate, 1e9);
  const int64_t count =
      std::min({std::max(static_cast<int64_t>(asked), rules.min_frames), rules.max_frames, total});
  // numpy's linspace: i * step, the last one exact.
  std::vector<int64_t> frames;
  const auto last = static_cast<double>(total - 1);
  const double step = count > 1 ? last / static_cast<double>(count - 1) : 0;
  for (int64_t i = 0; i < count; ++i) {
    const double at = count > 1 && i == count - 1 ? last : static_cast<double>(i) * step;
    frames.push_back(static_cast<int64_t>(rounded(at)));
  }
  return frames;
}

std::vector<double> patch_seconds(std::span<const int64_t> frames, double rate, int64_t per_patch) {
  std::vector<double> middles;
  const auto count = static_cast<int64_t>(frames.size());
  const auto second_of = [&](int64_t i) {
    return static_cast<double>(frames[static_cast<size_t>(std::min(i, count - 1))]) / rate;
  };
  for (int64_t i = 0; i < count; i += per_patch)
    middles.push_back((second_of(i) + second_of(i + per_patch - 1)) / 2);
  return middles;
}

std::string time_mark(double seconds) { return fmt::format("<{:.1f} seconds>", seconds); }

Extent video_extent(int64_t count, int64_t width, int64_t height, const VideoRules& rules,
                    std::string_view name) {
  const Preprocessor& frame = rules.frame;
  const int64_t per_patch = frame.temporal_copies;
  require(count >= per_patch, "video '", name, "': found ", count, " frame, wanted at least ",
          per_patch, " (a single one is a picture)");
  const int64_t factor = frame.patch_size * frame.merge_size;
  const auto unit = static_cast<double>(factor);
  auto h = static_cast<double>(height);
  auto w = static_cast<double>(width);
  if (height < factor || width < factor) {
    const double scale = std::max(unit / h, unit / w);
    h = std::trunc(h * scale);
    w = std::trunc(w * scale);
  }
  require(std::max(h, w) / std::min(h, w) <= 200, "video '", name, "': found frames of ", width,
          " x ", height, " pixels, wanted an aspect ratio of at most 200");
  double out_h = rounded(h / unit) * unit;
  double out_w = rounded(w / unit) * unit;
  const auto frames = static_cast<double>(count);
  const double padded =
      rounded(frames / static_cast<double>(per_patch)) * static_cast<double>(per_patch);
  const auto most = static_cast<double>(frame.max_pixels);
  const auto least = static_cast<double>(frame.min_pixels);
  if (!frame.do_resize) {
    out_h = static_cast<double>(height);
    out_w = static_cast<double>(width);
    require(height % factor == 0 && width % factor == 0, "video '", name, "': found frames of ",
            width, " x ", height, " pixels, wanted multiples of ", factor,
            " (the checkpoint turns resizing off)");
  } else if (padded * out_h * out_w > most) {
    const double beta = std::sqrt(frames * h * w / most);
    out_h = std::max(unit, std::floor(h / beta / unit) * unit);
    out_w = std::max(unit, std::floor(w / beta / unit) * unit);
  } else if (padded * out_h * out_w < least) {
    const double beta = std::sqrt(least / (frames * h * w));
    out_h = std::ceil(h * beta / unit) * unit;
    out_w = std::ceil(w * beta / unit) * unit;
  }
  require(
      out_h >= 1 && out_w >= 1 && out_h * out_w * frames <= static_cast<double>(kMaxVideoPixels),
      "video '", name, "': ", count, " frames become ", out_w, " x ", out_h,
      " pixels, together more than ", kMaxVideoPixels, "; lower --max-video-pixels");
  return {.height = static_cast<int64_t>(out_h), .width = static_cast<int64_t>(out_w)};
}

PreparedVideo prepare_video(const VideoInput& input, const VideoRules& rules,
                            const base::Clock& clock, base::ThreadPool* pool) {
  PreparedVideo out;
  base::Sha256 hash;
  hash.update(rules.frame.fingerprint());
  const bool is_file = input.frames.empty();
  const int64_t start = clock.now_ns();
  std::optional<video::Facts> facts;
  if (is_file) facts = video::look(input.file, input.name);
  const int64_t total = is_file ? facts->frames() : static_cast<int64_t>(input.frames.size());
  const double rate = is_file ? facts->frame_rate : input.frame_rate;
  require(rate > 0 && rate <= 1e6, "video '", input.name, "': found ", rate,
          " frames a second, wanted 0 to 1000000");
  const std::vector<int64_t> numbers = sampled_frames(total, rate, rules);
  for (const int64_t number : numbers) hash.update(" " + std::to_string(number));
  Gathering gathering(out, rules, input.name, static_cast<int64_t>(numbers.size()), clock, pool);
  if (is_file) {
    hash.update(input.file);
    int64_t next = 0;
    video::read_frames(input.file, input.name, *facts, numbers, [&](const RgbImage& frame) {
      gathering.take(frame, std::to_string(numbers[static_cast<size_t>(next++)]));
    });
  } else {
    for (const int64_t number : numbers) {
      const auto i = static_cast<size_t>(number);
      const std::string& name = input.frame_names.at(i);
      hash.update(input.frames[i]);
      gathering.take(picture::decode(input.frames[i], name).image, name);
    }
  }
  gathering.end();
  out.decode_seconds = base::seconds_between(start, clock.now_ns()) - out.resize_seconds;
  const std::vector<double> seconds = patch_seconds(numbers, rate, rules.frame.temporal_copies);
  for (size_t i = 0; i < out.patches.size(); ++i) out.patches[i].seconds = seconds.at(i);
  out.levels = levels_of(rules.frame);
  const Extent& size = gathering.size();
  out.grid_h = size.height / rules.frame.patch_size;
  out.grid_w = size.width / rules.frame.patch_size;
  out.sha256 = hash.finish();
  out.note = fmt::format(
      "{}: {}{} of {} frames, {:.1f} to {:.1f} s of {:.1f} s, {}x{} resized to {}x{}, {} times "
      "{}x{} patches",
      input.name, is_file ? facts->format + ", " : "", numbers.size(), total,
      static_cast<double>(numbers.front()) / rate, static_cast<double>(numbers.back()) / rate,
      static_cast<double>(total) / rate, gathering.found().width, gathering.found().height,
      size.width, size.height, out.patches.size(), out.grid_w, out.grid_h);
  return out;
}

}  // namespace visavis::vision
