// What a device records and replays gives the bits that the calls themselves give.
#include <gtest/gtest.h>

#include "engine/generate/golden_model.h"

namespace visavis::generate {
namespace {

TEST(Replay, RecordedStepsGiveTheSameAnswer) {
  if (!tests_on_cuda()) GTEST_SKIP() << "only a card records steps";
  for (const char* name : {"llava_hub", "qwen_grouped"})
    for (const load::Precision weights : {load::Precision::f32, load::Precision::int4}) {
      const auto answer = [&](bool replay) {
        DeviceLoop loop(ops::make_cuda_ops({.replay = replay}));
        LocalModel model(loop, golden_options(name, weights), base::steady_clock());
        chat::Request request = picture_request("photo_320x240.jpg", "What is it?");
        request.max_tokens = 100;
        request.logprobs = true;
        return std::get<chat::Completion>(chat::complete(model, std::move(request)));
      };
      const chat::Completion replayed = answer(true);
      const chat::Completion called = answer(false);
      EXPECT_GT(called.token_ids.size(), 3u) << name;
      EXPECT_EQ(replayed.token_ids, called.token_ids) << name;
      EXPECT_EQ(replayed.logprobs, called.logprobs) << name;
    }
}

}  // namespace
}  // namespace visavis::generate
