#include "engine/generate/feature_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/rng.h"

namespace visavis::generate {
namespace {

constexpr int64_t kHidden = 16;                                   // one token: 64 bytes
constexpr int64_t kToken = 2 * kHidden * int64_t{sizeof(float)};  // rows and one deepstack level

class FeatureCacheTest : public testing::Test {
 protected:
  /// "Encodes" a picture: all its features are `value`.
  models::ImageFeatures encode(FeatureCache& cache, const std::string& key, int64_t tokens,
                               float value) {
    ++encoded_;
    return cache.encode(key, tokens, [&](tensor::Arena& room) {
      models::ImageFeatures features;
      features.rows = room.take_f32({tokens, kHidden});
      features.deepstack.push_back(room.take_f32({tokens, kHidden}));
      for (const tensor::MutView& view : {features.rows, features.deepstack[0]}) {
        std::fill(view.f32(), view.f32() + tokens * kHidden, value);
      }
      return features;
    });
  }

  static bool holds(const models::ImageFeatures& features, float value) {
    for (const tensor::MutView& view : {features.rows, features.deepstack.at(0)}) {
      const float* begin = view.f32();
      if (!std::all_of(begin, begin + view.shape.elements(), [&](float v) { return v == value; })) {
        return false;
      }
    }
    return true;
  }

  std::unique_ptr<ops::Ops> ops_ = ops::make_cpu_ops({.threads = 1});
  int encoded_ = 0;
};

TEST_F(FeatureCacheTest, FindsAPictureAgainAndTheLongestUnusedGivesWay) {
  FeatureCache cache(*ops_, 10 * kToken, 10 * kToken, kToken);
  encode(cache, "a", 4, 1);
  encode(cache, "b", 4, 2);
  cache.begin_prompt();
  ASSERT_TRUE(cache.find("a").has_value());
  cache.begin_prompt();
  encode(cache, "c", 4, 3);  // takes the place of b
  EXPECT_FALSE(cache.find("b").has_value());
  EXPECT_TRUE(holds(cache.find("a").value(), 1));
  EXPECT_TRUE(holds(cache.find("c").value(), 3));
}

TEST_F(FeatureCacheTest, WhatThePromptUsesStaysAndTheRestGoesBeside) {
  FeatureCache cache(*ops_, 10 * kToken, 10 * kToken, kToken);
  const models::ImageFeatures a = encode(cache, "a", 6, 1);
  const models::ImageFeatures b = encode(cache, "b", 6, 2);  // no room in the cache
  EXPECT_TRUE(holds(a, 1));
  EXPECT_TRUE(holds(b, 2));
  EXPECT_EQ(cache.entries(), 1);
  EXPECT_FALSE(cache.find("b").has_value());
}

TEST_F(FeatureCacheTest, NothingIsKeptWithoutAKeyOrWithoutRoom) {
  FeatureCache none(*ops_, 10 * kToken, 0, kToken);
  EXPECT_TRUE(holds(encode(none, "a", 10, 1), 1));
  EXPECT_FALSE(none.find("a").has_value());
  FeatureCache cache(*ops_, 10 * kToken, 10 * kToken, kToken);
  EXPECT_TRUE(holds(encode(cache, "", 10, 1), 1));
  EXPECT_FALSE(cache.find("").has_value());
  EXPECT_EQ(cache.entries(), 0);
}

TEST_F(FeatureCacheTest, AnEncoderThatThrowsLeavesNothingBehind) {
  FeatureCache cache(*ops_, 10 * kToken, 10 * kToken, kToken);
  const auto broken = [](tensor::Arena&) -> models::ImageFeatures { fail("no"); };
  EXPECT_THROW(cache.encode("a", 10, broken), Error);
  EXPECT_FALSE(cache.find("a").has_value());
  EXPECT_TRUE(holds(encode(cache, "a", 10, 1), 1));
  EXPECT_TRUE(holds(cache.find("a").value(), 1));
}

// Every prompt's features are right at its end, whatever was kept, dropped or beside.
TEST_F(FeatureCacheTest, RandomPromptsAlwaysSeeTheirOwnPictures) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    base::Rng rng(seed);
    FeatureCache cache(*ops_, 32 * kToken, static_cast<int64_t>(rng.below(60)) * kToken, kToken);
    int found = 0;
    for (int prompt = 0; prompt < 300; ++prompt) {
      cache.begin_prompt();
      std::vector<std::pair<models::ImageFeatures, float>> shown;
      int64_t room = 32;
      while (room > 0 && rng.below(4) > 0) {
        const auto picture = static_cast<int64_t>(rng.below(12));
        const int64_t tokens = std::min<int64_t>(1 + picture, room);
        const std::string key = std::to_string(picture) + "/" + std::to_string(tokens);
        const auto value = static_cast<float>(100 * picture + tokens);
        const auto known = cache.find(key);
        found += known.has_value();
        shown.emplace_back(known ? *known : encode(cache, key, tokens, value), value);
        room -= tokens;
      }
      for (const auto& [features, value] : shown) ASSERT_TRUE(holds(features, value));
    }
    EXPECT_EQ(found > 0, cache.entries() > 0);
  }
}

}  // namespace
}  // namespace visavis::generate
