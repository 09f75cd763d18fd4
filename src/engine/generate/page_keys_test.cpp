#include "engine/generate/page_keys.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "engine/generate/kv_pool.h"

namespace visavis::generate {
namespace {

constexpr int64_t kPage = KvPool::kPageSize;
constexpr int32_t kPlaceholder = 7;

/// Ids 100, 101, ...; one picture of 20 tokens from token 10 on.
models::Prompt prompt_of(int64_t tokens, const std::string& picture) {
  models::Prompt prompt;
  prompt.ids.resize(static_cast<size_t>(tokens));
  std::iota(prompt.ids.begin(), prompt.ids.end(), 100);
  std::fill(prompt.ids.begin() + 10, prompt.ids.begin() + 30, kPlaceholder);
  prompt.slots.push_back({.begin = 10, .tokens = 20, .key = picture});
  for (int axis = 0; axis < 3; ++axis) {
    for (int64_t i = 0; i < tokens; ++i) prompt.positions.push_back(static_cast<int32_t>(i));
  }
  return prompt;
}

std::vector<std::string> keys_of(const models::Prompt& prompt) {
  std::vector<std::string> keys;
  extend_page_keys(prompt, prompt.ids, prompt.tokens(), keys);
  return keys;
}

TEST(PageKeys, OnlyFullPagesHaveOne) {
  EXPECT_EQ(keys_of(prompt_of(kPage - 1, "cat")).size(), 0u);
  EXPECT_EQ(keys_of(prompt_of(kPage, "cat")).size(), 1u);
  EXPECT_EQ(keys_of(prompt_of(3 * kPage + 5, "cat")).size(), 3u);
}

TEST(PageKeys, EqualBeginningsHaveEqualKeysAndWhatFollowsADifferenceDiffers) {
  const models::Prompt prompt = prompt_of(4 * kPage, "cat");
  models::Prompt other = prompt;
  ++other.ids[static_cast<size_t>(2 * kPage)];
  const auto a = keys_of(prompt);
  const auto b = keys_of(other);
  EXPECT_EQ(a[0], b[0]);
  EXPECT_EQ(a[1], b[1]);
  EXPECT_NE(a[2], b[2]);
  EXPECT_NE(a[3], b[3]);
  EXPECT_EQ(std::set<std::string>(a.begin(), a.end()).size(), 4u);
}

TEST(PageKeys, APictureCountsByItsContentAndNotByItsPlaceholder) {
  EXPECT_NE(keys_of(prompt_of(kPage, "cat"))[0], keys_of(prompt_of(kPage, "dog"))[0]);
  models::Prompt text = prompt_of(kPage, "cat");
  text.slots.clear();
  EXPECT_NE(keys_of(prompt_of(kPage, "cat"))[0], keys_of(text)[0]);
}

TEST(PageKeys, APictureAcrossAPageBorderCountsInBothPages) {
  const auto across = [](const std::string& picture) {
    models::Prompt prompt = prompt_of(3 * kPage, "cat");
    prompt.slots.push_back({.begin = kPage - 4, .tokens = kPage, .key = picture});
    return keys_of(prompt);
  };
  const auto a = across("red");
  const auto b = across("blue");
  for (size_t page = 0; page < 3; ++page) EXPECT_NE(a[page], b[page]);
}

TEST(PageKeys, TheSamePictureCutAtAnotherOffsetDiffers) {
  models::Prompt one = prompt_of(kPage, "cat");
  models::Prompt two = one;
  two.slots[0].begin = 5;  // the same placeholders are later rows of the picture now
  two.slots[0].tokens = 25;
  std::fill(one.ids.begin() + 5, one.ids.begin() + 10, kPlaceholder);
  two.ids = one.ids;
  EXPECT_NE(keys_of(one)[0], keys_of(two)[0]);
}

TEST(PageKeys, EveryAxisOfThePositionsCounts) {
  const auto expected = keys_of(prompt_of(kPage, "cat"));
  for (size_t axis = 0; axis < 3; ++axis) {
    models::Prompt moved = prompt_of(kPage, "cat");
    ++moved.positions[axis * static_cast<size_t>(kPage) + 40];
    EXPECT_NE(keys_of(moved)[0], expected[0]) << axis;
  }
}

TEST(PageKeys, AnAnswerIsKeyedAsThePromptThatRepeatsIt) {
  const models::Prompt whole = prompt_of(3 * kPage, "cat");
  const models::Prompt part = prompt_of(kPage + 3, "cat");
  std::vector<std::string> keys;
  for (const int64_t tokens : {kPage + 3, 2 * kPage - 1, 2 * kPage, 3 * kPage}) {
    extend_page_keys(part, whole.ids, tokens, keys);
    EXPECT_EQ(static_cast<int64_t>(keys.size()), tokens / kPage);
  }
  EXPECT_EQ(keys, keys_of(whole));
}

}  // namespace
}  // namespace visavis::generate
