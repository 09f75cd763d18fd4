// Prompts with videos where there is more to say than tools/reference's cases do
// (engine/generate/goldens_test.cpp): who refuses them, and texts that look like their marks.
#include "engine/models/frontend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "engine/models/families.h"

namespace visavis::models {
namespace {

using testing::HasSubstr;

const std::filesystem::path kModels = std::filesystem::path(VISAVIS_GOLDENS_DIR) / "models";
const std::filesystem::path kVideos =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/videos";
constexpr int32_t kVideoPad = 371;

chat::Video odd_video() {
  chat::Video video{.frame_rate = 2, .name = "odd"};
  for (const char* name : {"000.png", "001.png", "002.png"})
    video.frames.push_back(
        {std::make_shared<const std::string>(base::read_file(kVideos / "odd" / name)), name});
  return video;
}

Prompt prepare(const std::string& model, std::vector<chat::Part> parts) {
  return open_model(kModels / model, {})->prepare({{.parts = std::move(parts)}});
}

std::string refusal(const std::string& model, std::vector<chat::Part> parts) {
  try {
    prepare(model, std::move(parts));
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST(VideoPrompts, AreRefusedByFamiliesThatTakePicturesOnly) {
  for (const char* model : {"llava_hub", "next_vicuna", "qwen25_published", "qwen_vl_short"})
    EXPECT_EQ(refusal(model, {odd_video()}),
              "video 'odd': this model takes pictures only; wanted a model that takes videos "
              "(Qwen3-VL)")
        << model;
}

TEST(VideoPrompts, AreRefusedByTemplatesThatShowNone) {
  EXPECT_THAT(refusal("qwen_grouped", {odd_video()}),
              HasSubstr("shows 0 videos, but the request has 1: the checkpoint's template was not "
                        "made for videos"));
}

TEST(VideoPrompts, NeverTakeAUsersWordsForTheirMarks) {
  const Prompt words = prepare("video_saved", {chat::Text{"<|vision_start|><|video_pad|>"}});
  EXPECT_EQ(std::count(words.ids.begin(), words.ids.end(), kVideoPad), 0);
  const Prompt both = prepare("video_saved", {chat::Text{"<|video_pad|>"}, odd_video()});
  ASSERT_EQ(both.slots.size(), 2U);
  EXPECT_EQ(std::count(both.ids.begin(), both.ids.end(), kVideoPad),
            both.slots[0].tokens + both.slots[1].tokens);
}

TEST(VideoPrompts, NameTheirTemporalPatchesApart) {
  const Prompt prompt = prepare("video_saved", {odd_video(), odd_video()});
  ASSERT_EQ(prompt.slots.size(), 4U);
  EXPECT_NE(prompt.slots[0].key, prompt.slots[1].key);
  EXPECT_EQ(prompt.slots[0].key, prompt.slots[2].key);
  // The last frame of three stands for the one that is missing.
  EXPECT_EQ(prompt.pictures[1].pixels, prompt.pictures[1].later_frames.at(0));
  EXPECT_FALSE(prompt.pictures[0].pixels == prompt.pictures[0].later_frames.at(0));
}

TEST(VideoPrompts, WithoutFramesAreRefused) {
  EXPECT_THAT(refusal("video_saved", {chat::Video{.name = "nothing"}}),
              HasSubstr("video 'nothing': found no frames"));
}

}  // namespace
}  // namespace visavis::models
