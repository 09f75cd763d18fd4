// config.json of Qwen-VL: the published values, and what must be refused.
#include "engine/models/qwen_vl_chat/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "engine/nn/rope.h"

namespace visavis::models::qwen_vl_chat {
namespace {

using base::Json;
using testing::HasSubstr;

// As the repository Qwen/Qwen-VL-Chat has it.
Json published() {
  return {{"architectures", {"QWenLMHeadModel"}},
          {"hidden_size", 4096},
          {"intermediate_size", 22016},
          {"kv_channels", 128},
          {"layer_norm_epsilon", 1e-6},
          {"max_position_embeddings", 8192},
          {"no_bias", true},
          {"num_attention_heads", 32},
          {"num_hidden_layers", 32},
          {"rotary_emb_base", 10000},
          {"rotary_pct", 1.0},
          {"scale_attn_weights", true},
          {"seq_length", 2048},
          {"tie_word_embeddings", false},
          {"use_dynamic_ntk", true},
          {"use_logn_attn", true},
          {"visual",
           {{"heads", 16},
            {"image_size", 448},
            {"image_start_id", 151857},
            {"layers", 48},
            {"mlp_ratio", 4.9231},
            {"output_dim", 4096},
            {"patch_size", 14},
            {"width", 1664}}},
          {"vocab_size", 151936}};
}

std::string refusal(const std::function<void(Json&)>& change) {
  Json json = published();
  change(json);
  try {
    read_config(checkpoint::ConfigReader(json, "config.json"));
  } catch (const Error& error) {
    return error.what();
  }
  return "(read)";
}

TEST(QwenVlChatConfig, ReadsThePublishedSizes) {
  const Config config = read_config(checkpoint::ConfigReader(published(), "config.json"));
  EXPECT_EQ(config.text.ffn, 11008);
  EXPECT_EQ(config.text.head_dim, 128);
  EXPECT_EQ(config.text.kv_heads, 32);
  EXPECT_EQ(config.text.max_positions, 8192);
  EXPECT_EQ(config.vision.ffn, 8192);
  EXPECT_EQ(config.vision.patches(), 1024);
  EXPECT_EQ(config.vision.queries, 256);
  EXPECT_EQ(config.vision.head_dim(), 104);
  EXPECT_EQ(config.image_token, 151859);
  EXPECT_EQ(config.rope_sets(), 3);  // alpha 1, 3 and 7
}

TEST(QwenVlChatConfig, RefusesWhatItCannotRunByTheKeysName) {
  EXPECT_THAT(refusal([](Json& json) { json.erase("visual"); }), HasSubstr("'visual'"));
  EXPECT_THAT(refusal([](Json& json) { json["no_bias"] = false; }), HasSubstr("'no_bias'"));
  EXPECT_THAT(refusal([](Json& json) { json["rotary_pct"] = 0.5; }), HasSubstr("'rotary_pct'"));
  EXPECT_THAT(refusal([](Json& json) { json["kv_channels"] = 64; }), HasSubstr("'kv_channels'"));
  EXPECT_THAT(refusal([](Json& json) { json["seq_length"] = 8; }), HasSubstr("'seq_length'"));
  EXPECT_THAT(refusal([](Json& json) { json["intermediate_size"] = 22017; }),
              HasSubstr("'intermediate_size'"));
  EXPECT_THAT(refusal([](Json& json) { json["visual"]["output_dim"] = 2048; }),
              HasSubstr("output_dim'"));
  EXPECT_THAT(refusal([](Json& json) { json["visual"]["n_queries"] = 255; }),
              HasSubstr("n_queries'"));
  EXPECT_THAT(refusal([](Json& json) { json["visual"]["image_start_id"] = 151934; }),
              HasSubstr("image_start_id'"));
}

// The published code: 2^ceil(log2(tokens / length) + 1) - 1, at least 1.
TEST(DynamicNtk, TheSetOfAPromptIsThatOfItsPublishedFactor) {
  for (const int64_t length : {96, 128, 2048})
    for (int64_t tokens = 1; tokens <= 8 * length; tokens += tokens < 3 * length ? 1 : 7) {
      const double place =
          std::log(static_cast<double>(tokens) / static_cast<double>(length)) / std::log(2.0) + 1;
      const double alpha = std::max(std::pow(2.0, std::ceil(place)) - 1, 1.0);
      const double of_set =
          std::pow(2.0, static_cast<double>(nn::dynamic_ntk_set(tokens, length)) + 1) - 1;
      ASSERT_EQ(of_set, alpha) << tokens << " of " << length;
    }
  const ops::RopeTable table = nn::dynamic_ntk_rope(128, 10000, 3);
  EXPECT_EQ(table.sets(), 3);
  EXPECT_EQ(table.pairs(), 64);
  EXPECT_FLOAT_EQ(table.inv_freq[64], 1.0f);
  EXPECT_FLOAT_EQ(table.inv_freq[128 + 63],
                  static_cast<float>(std::pow(10000 * std::pow(7.0, 128.0 / 126), -126.0 / 128)));
}

}  // namespace
}  // namespace visavis::models::qwen_vl_chat
