// Files of every container and codec against the scenes they were made of
// (tools/reference/make_videos.py), and files that are none.
#include "video/video.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/files.h"
#include "picture/decode.h"

namespace visavis::video {
namespace {

using picture::RgbImage;
using testing::HasSubstr;

const std::filesystem::path kVideos =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/videos";

std::string bytes_of(const std::string& name) { return base::read_file(kVideos / name); }

std::string refusal(std::string_view bytes) {
  try {
    look(bytes, "x.mp4");
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

std::vector<RgbImage> frames_of(const std::string& bytes, const Facts& facts,
                                const std::vector<int64_t>& numbers) {
  std::vector<RgbImage> frames;
  read_frames(bytes, "video", facts, numbers,
              [&](RgbImage frame) { frames.push_back(std::move(frame)); });
  return frames;
}

/// What make_videos.py draws.
RgbImage scene(int64_t width, int64_t height, int64_t i, int64_t of) {
  constexpr uint8_t kColours[4][3] = {{200, 40, 40}, {40, 170, 60}, {50, 70, 210}, {230, 200, 50}};
  RgbImage out(width, height);
  const double centre = 8 + static_cast<double>(width - 16) * static_cast<double>(i) /
                                static_cast<double>(std::max<int64_t>(of - 1, 1));
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const auto* colour = kColours[(2 * y >= height ? 2 : 0) + (2 * x >= width ? 1 : 0)];
      const double dx = static_cast<double>(x) - centre;
      const double dy = static_cast<double>(y) - static_cast<double>(height) / 2;
      const bool disc = dx * dx + dy * dy < std::pow(static_cast<double>(height) / 5, 2);
      const bool bar = y >= height - 4 && x * of < width * (i + 1);
      for (int64_t c = 0; c < 3; ++c) out.row(y)[x * 3 + c] = bar ? 10 : disc ? 245 : colour[c];
    }
  }
  return out;
}

double difference(const RgbImage& a, const RgbImage& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
  return sum / static_cast<double>(a.pixels.size());
}

struct Case {
  const char* file;
  int64_t width, height, frames;
  double rate;
};

class Files : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!built_in()) GTEST_SKIP() << "built without FFmpeg";
  }
};

TEST_P(Files, TellTheirFramesAndShowThemInOrder) {
  const Case& expected = GetParam();
  const std::string bytes = bytes_of(expected.file);
  const Facts facts = look(bytes, expected.file);
  EXPECT_EQ(facts.width, expected.width);
  EXPECT_EQ(facts.height, expected.height);
  ASSERT_EQ(facts.frames(), expected.frames);
  EXPECT_NEAR(facts.frame_rate, expected.rate, expected.rate * 0.01);
  const std::vector<int64_t> numbers = {0, 3, 3, expected.frames / 2, expected.frames - 1};
  const std::vector<RgbImage> frames = frames_of(bytes, facts, numbers);
  ASSERT_EQ(frames.size(), numbers.size());
  EXPECT_EQ(frames[1], frames[2]);
  for (size_t i = 0; i < frames.size(); ++i) {
    SCOPED_TRACE("frame " + std::to_string(numbers[i]));
    const auto away = [&](int64_t number) {
      return difference(frames[i], scene(expected.width, expected.height, number, expected.frames));
    };
    const double here = away(numbers[i]);
    EXPECT_LT(here, 22);  // a GIF's few colours
    // Neighbours of slow videos differ in few pixels: two frames on, it shows.
    for (const int64_t step : {-2, 2}) {
      const int64_t other = numbers[i] + step;
      if (other < 0 || other >= expected.frames) continue;
      EXPECT_LT(here, away(other));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Videos, Files,
    testing::Values(Case{"lossless.mp4", 64, 48, 20, 4}, Case{"h264.mp4", 64, 48, 75, 25},
                    Case{"hevc.mkv", 64, 48, 40, 20}, Case{"vp9.webm", 66, 50, 45, 15},
                    Case{"vp8.webm", 53, 37, 30, 10}, Case{"av1.mp4", 64, 48, 24, 12},
                    Case{"mpeg4.avi", 64, 48, 30, 10}, Case{"mpeg2.ts", 64, 48, 25, 25},
                    Case{"mjpeg.mov", 64, 48, 8, 8}, Case{"turns.gif", 64, 48, 12, 5},
                    Case{"sound.mp4", 64, 48, 30, 10}, Case{"varying.mkv", 64, 48, 20, 20 / 5.6}),
    [](const auto& info) {
      std::string name = info.param.file;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

class VideoFile : public Files {};

TEST_F(VideoFile, WithoutLossGivesTheVeryFramesItWasMadeOf) {
  if (!built_in()) GTEST_SKIP() << "built without FFmpeg";
  const std::string bytes = bytes_of("lossless.mp4");
  const Facts facts = look(bytes, "lossless.mp4");
  std::vector<int64_t> all(20);
  std::iota(all.begin(), all.end(), 0);
  const std::vector<RgbImage> frames = frames_of(bytes, facts, all);
  for (int64_t i = 0; i < 20; ++i) {
    std::string name = "walk/0" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ".png";
    EXPECT_EQ(frames.at(static_cast<size_t>(i)), picture::decode(bytes_of(name), name).image) << i;
  }
}

TEST_F(VideoFile, ThatIsTurnedIsShownUpright) {
  const std::string bytes = bytes_of("turned.mov");
  const Facts facts = look(bytes, "turned.mov");
  EXPECT_NE(facts.orientation, 1);
  const RgbImage turned = frames_of(bytes, facts, {0}).at(0);
  ASSERT_EQ(turned.width, 48);
  ASSERT_EQ(turned.height, 64);
  // As ffprobe says "rotation 90": counterclockwise, so the right edge of the scene is on top.
  const RgbImage as_stored = scene(64, 48, 0, 75);
  RgbImage upright(48, 64);
  for (int64_t y = 0; y < 64; ++y)
    for (int64_t x = 0; x < 48; ++x)
      std::copy_n(as_stored.row(x) + (63 - y) * 3, 3, upright.row(y) + x * 3);
  EXPECT_LT(difference(turned, upright), 14);
}

TEST_F(VideoFile, OfOtherKindsIsRefusedWithoutReadingWhatItNames) {
  const std::string playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n";
  for (const std::string& bytes :
       {std::string("hello"), std::string(), playlist,
        std::string("ffconcat version 1.0\nfile '/etc/passwd'\n"), bytes_of("walk/000.png"),
        std::string("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 1 RTP/AVP 96\n")}) {
    EXPECT_THAT(refusal(bytes), HasSubstr("video 'x.mp4': "));
    EXPECT_EQ(refusal(bytes).find('\n'), std::string::npos);
  }
}

TEST_F(VideoFile, ThatBreaksOffGivesWhatIsThereOrAnError) {
  for (const char* name :
       {"h264.mp4", "vp9.webm", "mpeg4.avi", "mpeg2.ts", "turns.gif", "hevc.mkv"}) {
    const std::string whole = bytes_of(name);
    for (const int percent : {1, 10, 50, 90, 99}) {
      const std::string part = whole.substr(0, whole.size() * static_cast<size_t>(percent) / 100);
      try {
        const Facts facts = look(part, name);
        ASSERT_GE(facts.frames(), 1);
        EXPECT_EQ(frames_of(part, facts, {facts.frames() - 1}).size(), 1U);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(name));
      }
    }
  }
}

TEST(VideoBuild, WithoutFfmpegSaysSo) {
  if (built_in()) GTEST_SKIP() << "built with FFmpeg";
  EXPECT_THAT(refusal("x"), HasSubstr("this build reads no video files"));
}

}  // namespace
}  // namespace visavis::video
