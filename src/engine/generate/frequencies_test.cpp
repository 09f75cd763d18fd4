// Models whose rotary frequencies follow the length of a prompt: what is kept of one prompt serves
// another only where both take the same frequencies.
#include <gtest/gtest.h>

#include "engine/generate/golden_model.h"

namespace visavis::generate {
namespace {

// qwen_vl_short takes other frequencies beyond 96 tokens and beyond 192.
constexpr int64_t kLength = 96;

class Frequencies : public testing::Test {
 protected:
  chat::Completion ask(const std::string& text, bool reuse) {
    chat::Request request = text_request(text);
    request.reuse = reuse;
    request.logprobs = true;
    return std::get<chat::Completion>(chat::complete(model_, std::move(request)));
  }

  /// With what was kept, and the same without.
  chat::Completion ask_both(const std::string& text) {
    chat::Completion with = ask(text, true);
    const chat::Completion without = ask(text, false);
    EXPECT_EQ(with.token_ids, without.token_ids) << text;
    EXPECT_EQ(with.logprobs.size(), without.logprobs.size());
    for (size_t i = 0; i < with.logprobs.size(); ++i)
      EXPECT_NEAR(with.logprobs[i], without.logprobs[i], rows_tolerance(load::Precision::f32));
    return with;
  }

  DeviceLoop loop_{test_ops()};
  LocalModel model_{loop_, golden_options("qwen_vl_short"), base::steady_clock()};
};

TEST_F(Frequencies, PromptsOfDifferentFrequenciesShareNoPages) {
  const std::string beginning = "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4 6 2";
  const chat::Completion small = ask_both(beginning);
  ASSERT_GT(small.usage.prompt_tokens, KvPool::kPageSize);
  ASSERT_LE(small.usage.prompt_tokens, kLength);

  const std::string longer = beginning + beginning + "?";
  const chat::Completion medium = ask_both(longer);
  ASSERT_GT(medium.usage.prompt_tokens, kLength);
  ASSERT_LE(medium.usage.prompt_tokens, 2 * kLength);
  EXPECT_EQ(medium.usage.cached_prompt_tokens, 0);

  const chat::Completion next = ask_both(longer + " 2 7");
  EXPECT_GE(next.usage.cached_prompt_tokens, KvPool::kPageSize);

  // A card takes pages over only where many rows of the prompt are left.
  const chat::Completion small_again = ask(beginning + " 8 2 8 1 8 2", true);
  ASSERT_LE(small_again.usage.prompt_tokens, kLength);
  EXPECT_GE(small_again.usage.cached_prompt_tokens, KvPool::kPageSize);
}

}  // namespace
}  // namespace visavis::generate
