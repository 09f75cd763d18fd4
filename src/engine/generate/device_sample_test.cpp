// Ops::sample of a device against the host's Sampler.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/generate/sampler.h"
#include "engine/ops/cuda_for_tests.h"

namespace visavis::generate {
namespace {

using tensor::DType;

class DeviceSample : public testing::Test {
 protected:
  void SetUp() override {
    if (ops_ == nullptr) GTEST_SKIP() << "this build or machine has no CUDA device";
  }

  int32_t sample(const std::vector<float>& logits, const ops::Draw& draw) {
    const auto count = static_cast<int64_t>(logits.size());
    const tensor::Buffer there = ops_->allocate(count * 4);
    const tensor::Buffer id = ops_->allocate(4);
    const tensor::MutView row{DType::f32, {1, count}, const_cast<std::byte*>(there.data())};
    const tensor::MutView chosen{DType::i32, {1}, const_cast<std::byte*>(id.data())};
    ops_->upload(logits.data(), row);
    ops_->sample(row, draw, chosen);
    int32_t result = -2;
    ops_->download(chosen, &result);
    return result;
  }

 private:
  std::unique_ptr<ops::Ops> ops_ = ops::first_cuda_device();
};

// The device's probabilities are integers of 40 bits: where a draw falls on the edge between two
// tokens the two may part, which happens once in many millions of draws.
TEST_F(DeviceSample, DrawsWhatTheHostDraws) {
  base::Rng rng(41);
  int compared = 0;
  for (const int64_t count : {1, 5, 1000, 32064, 151936}) {
    for (const bool coarse : {false, true}) {  // coarse: many equal logits
      std::vector<float> logits(static_cast<size_t>(count));
      for (float& logit : logits) {
        logit = static_cast<float>((rng.uniform() + rng.uniform() + rng.uniform() - 1.5) * 8);
        if (coarse) logit = std::round(logit);
      }
      for (const int top_k : {0, 1, 7, 50, 1000}) {
        for (const float top_p : {1.0f, 0.95f, 0.5f, 0.01f}) {
          for (const float temperature : {0.3f, 1.0f, 1.7f}) {
            chat::Sampling sampling;
            sampling.temperature = temperature;
            sampling.top_k = top_k;
            sampling.top_p = top_p;
            sampling.seed = static_cast<uint64_t>(compared);
            Sampler host(sampling, count);
            Sampler there(sampling, count);
            ASSERT_TRUE(there.draws_freely());
            std::vector<float> room = logits;
            ASSERT_EQ(sample(logits, there.next_draw()), host.choose(room))
                << count << " logits, top_k " << top_k << ", top_p " << top_p << ", temperature "
                << temperature << (coarse ? ", coarse" : "");
            ++compared;
          }
        }
      }
    }
  }
}

TEST_F(DeviceSample, DrawsEachTokenAsOftenAsItsProbabilitySays) {
  const std::vector<float> logits = {0, std::log(2.0f), std::log(5.0f)};
  std::vector<int> drawn(3);
  for (int i = 0; i < 800; ++i)
    ++drawn[static_cast<size_t>(sample(logits, {.uniform = (i + 0.5) / 800}))];
  EXPECT_EQ(drawn, (std::vector<int>{100, 200, 500}));
}

TEST_F(DeviceSample, ChoosesNothingWhereALogitIsNoNumber) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> logits(2000, 1.0f);
    logits[1234] = bad;
    EXPECT_EQ(sample(logits, {.uniform = 0.5}), -1);
  }
}

}  // namespace
}  // namespace visavis::generate
