// Frames, times and sizes of many videos, and the pixels of small ones, against tools/reference;
// files of every codec against the frames that they were made of.
#include "engine/vision/video.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "video/video.h"

namespace visavis::vision {
namespace {

namespace fs = std::filesystem;

const fs::path kVideos = fs::path(VISAVIS_SOURCE_DIR) / "tests/data/videos";
const fs::path kModels = fs::path(VISAVIS_GOLDENS_DIR) / "models";

std::string joined(const std::vector<int64_t>& numbers) {
  std::vector<std::string> texts;
  for (const int64_t number : numbers) texts.push_back(std::to_string(number));
  return base::join(texts, ",");
}

std::string marks(const std::vector<double>& seconds) {
  std::string text;
  for (const double each : seconds) text += time_mark(each);
  return text;
}

/// A folder's frames, whose bytes `kept` owns.
VideoInput folder_input(const std::string& name, double rate, std::vector<std::string>& kept) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(kVideos / name)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) kept.push_back(base::read_file(path));
  VideoInput input{.name = "a folder", .file = {}, .frame_rate = rate};
  for (size_t i = 0; i < kept.size(); ++i) {
    input.frames.emplace_back(kept[i]);
    input.frame_names.push_back(paths[i].filename().string());
  }
  return input;
}

/// The oracle's pixel_values_videos: a row a patch, as [channel, time, y, x].
std::vector<float> values_of(const PreparedVideo& video, const Preprocessor& frame) {
  const ops::PatchLayout layout = {.grid_h = video.grid_h,
                                   .grid_w = video.grid_w,
                                   .patch_h = frame.patch_size,
                                   .patch_w = frame.patch_size,
                                   .merge = frame.merge_size};
  const auto area = static_cast<size_t>(frame.patch_size * frame.patch_size);
  const auto row = static_cast<size_t>(layout.row_values());
  std::vector<float> all;
  for (const TemporalPatch& patch : video.patches) {
    std::vector<std::vector<float>> cut;
    for (const picture::RgbImage& image : patch.frames) {
      cut.emplace_back(row * static_cast<size_t>(layout.rows()));
      ops::cut_patches(image.pixels.data(), image.width, video.levels.data(), layout,
                       cut.back().data(), nullptr);
    }
    for (size_t i = 0; i < static_cast<size_t>(layout.rows()); ++i)
      for (size_t channel = 0; channel < 3; ++channel)
        for (const std::vector<float>& values : cut) {
          const auto from = values.begin() + static_cast<std::ptrdiff_t>(i * row + channel * area);
          all.insert(all.end(), from, from + static_cast<std::ptrdiff_t>(area));
        }
  }
  return all;
}

TEST(Videos, TakeTheFramesAndTimesOfTheReferenceAtEveryLengthAndRate) {
  const base::Json golden = base::read_json(kModels / "video.json").at("sampling");
  ASSERT_GT(golden.size(), 700U);
  for (const base::Json& row : golden) {
    VideoRules rules;
    rules.frame_rate = row.at("fps");
    rules.min_frames = row.at("min_frames");
    rules.max_frames = row.at("max_frames");
    const double rate = row.at("rate");
    SCOPED_TRACE(base::dump_json(row).substr(0, 120));
    const auto frames = sampled_frames(row.at("total"), rate, rules);
    const auto seconds = patch_seconds(frames, rate, 2);
    if (row.contains("frames")) {
      EXPECT_EQ(frames, row.at("frames").get<std::vector<int64_t>>());
      EXPECT_EQ(marks(seconds), base::join(row.at("times").get<std::vector<std::string>>(), ""));
    }
    ASSERT_EQ(static_cast<int64_t>(frames.size()), row.at("count").get<int64_t>());
    ASSERT_EQ(base::sha256_hex(joined(frames)), row.at("frames_sha256").get<std::string>());
    ASSERT_EQ(base::sha256_hex(marks(seconds)), row.at("times_sha256").get<std::string>());
  }
}

TEST(Videos, BecomeTheSizesOfTheReference) {
  const base::Json golden = base::read_json(kModels / "video.json").at("sizes");
  ASSERT_GT(golden.size(), 500U);
  int refused = 0;
  for (const base::Json& row : golden) {
    SCOPED_TRACE(base::dump_json(row));
    VideoRules rules;
    rules.frame.patch_size = row.at("factor").get<int64_t>() / 2;
    rules.frame.min_pixels = row.at("shortest_edge");
    rules.frame.max_pixels = row.at("longest_edge");
    const auto extent = [&] {
      return video_extent(row.at("count"), row.at("width"), row.at("height"), rules, "v");
    };
    if (row.contains("error")) {
      EXPECT_THROW(extent(), Error);
      ++refused;
      continue;
    }
    const Extent size = extent();
    EXPECT_EQ(base::Json::array({size.height, size.width}), row.at("size"));
  }
  EXPECT_GT(refused, 10);
}

TEST(Videos, OfFramesGiveThePixelsOfTheReference) {
  int compared = 0;
  for (const char* model : {"video_saved", "video_published"}) {
    const auto rules = read_video_rules(kModels / model);
    ASSERT_TRUE(rules.has_value());
    const base::Json golden = base::read_json(kModels / (std::string(model) + ".json"));
    for (const base::Json& each : golden.at("cases")) {
      size_t next = 0;
      for (const base::Json& turn : each.at("turns")) {
        for (const base::Json& part : turn.at("content")) {
          if (part.at("type") != "video") continue;
          SCOPED_TRACE(std::string(model) + " " + each.at("name").get<std::string>());
          const base::Json& expected = each.at("videos").at(next++);
          std::vector<std::string> kept;
          const PreparedVideo video =
              prepare_video(folder_input(part.at("video"), part.at("frame_rate"), kept), *rules,
                            base::steady_clock());
          EXPECT_EQ(expected.at("grid_thw"),
                    base::Json::array({video.patches.size(), video.grid_h, video.grid_w}));
          std::string times;
          for (const TemporalPatch& patch : video.patches) times += time_mark(patch.seconds);
          EXPECT_EQ(times, base::join(expected.at("times").get<std::vector<std::string>>(), ""));
          const std::vector<float> values = values_of(video, rules->frame);
          base::Sha256 hash;
          hash.update(std::as_bytes(std::span(values)));
          EXPECT_EQ(hash.finish(), expected.at("f32_sha256").get<std::string>());
          ++compared;
        }
      }
    }
  }
  EXPECT_EQ(compared, 16);
}

TEST(Videos, OfTheSameFramesHaveTheSameKeyAndOthersAnother) {
  const auto rules = read_video_rules(kModels / "video_saved");
  const auto key = [&](const char* name, double rate) {
    std::vector<std::string> kept;
    return prepare_video(folder_input(name, rate, kept), *rules, base::steady_clock()).sha256;
  };
  EXPECT_EQ(key("walk", 4), key("walk", 4));
  EXPECT_NE(key("walk", 4), key("walk", 8));
  EXPECT_NE(key("walk", 4), key("odd", 4));
}

std::string refusal(const VideoInput& input, const VideoRules& rules) {
  try {
    prepare_video(input, rules, base::steady_clock());
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST(Videos, ThatCannotBeTakenAreRefusedInOneLine) {
  const auto rules = read_video_rules(kModels / "video_saved");
  std::vector<std::string> kept;
  VideoInput input = folder_input("walk", 4, kept);
  input.frames.resize(1);
  EXPECT_EQ(refusal(input, *rules),
            "video 'a folder': found 1 frame, wanted at least 2 (a single one is a picture)");
  std::vector<std::string> others;
  const VideoInput odd = folder_input("odd", 4, others);
  input.frames = {kept[0], others[0]};
  EXPECT_EQ(
      refusal(input, *rules),
      "video 'a folder': frame '001.png' has 53 x 37 pixels, wanted 64 x 48 as the first one");
  input.frames = {kept[0], "no picture"};
  EXPECT_NE(refusal(input, *rules).find("001.png"), std::string::npos);
  VideoRules huge = *rules;
  huge.frame.min_pixels = huge.frame.max_pixels = int64_t{1} << 40;
  EXPECT_NE(refusal(odd, huge).find("--max-video-pixels"), std::string::npos);
}

TEST(VideoRules, AreReadFromEveryFileThatMayHoldThem) {
  const auto saved = read_video_rules(kModels / "video_saved");
  EXPECT_EQ(saved->frame.max_pixels, 16384);
  EXPECT_EQ(saved->frame_rate, 2);
  const auto published = read_video_rules(kModels / "video_published");
  EXPECT_EQ(published->frame.patch_size, 6);
  EXPECT_EQ(published->frame_rate, 1);
  EXPECT_EQ(published->max_frames, 6);
  // A checkpoint that only has settings of pictures: the oracle reads those.
  EXPECT_EQ(read_video_rules(kModels / "qwen25_published")->frame.patch_size, 14);
  // None at all: as published.
  const auto absent = read_video_rules(kVideos);
  EXPECT_EQ(absent->frame.max_pixels, 786432);
  EXPECT_EQ(absent->frame.min_pixels, 131072);
  EXPECT_EQ(absent->max_frames, 768);
  EXPECT_FALSE(read_video_rules(kModels / "qwen25_saved").has_value());
}

TEST(VideoRules, TakeALimitFromTheUser) {
  auto rules = read_video_rules(kModels / "video_saved");
  apply_overrides(*rules, {.image_mode = {}, .max_video_pixels = 4096});
  EXPECT_EQ(rules->frame.max_pixels, 4096);
  EXPECT_THROW(apply_overrides(*rules, {.image_mode = {}, .max_video_pixels = 100}), Error);
}

}  // namespace
}  // namespace visavis::vision
