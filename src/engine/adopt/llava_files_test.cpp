#include "engine/adopt/llava_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/temporary_folder.h"

namespace visavis::adopt {
namespace {

namespace fs = std::filesystem;
using base::Json;
using testing::HasSubstr;

class LlavaFiles : public testing::Test {
 protected:
  void SetUp() override {
    base::make_folder(model_);
    base::make_folder(tower_);
    write(model_ / "config.json", config_);
    write(model_ / "tokenizer.json", {{"model", {{"vocab", {{"a", 0}, {"b", 1}}}}}});
    write(tower_ / "config.json", {{"vision_config", {{"hidden_size", 8}}}});
    write(tower_ / "preprocessor_config.json", Json::object());
  }

  static void write(const fs::path& file, const Json& json) {
    base::write_file_atomically(file, base::dump_json(json));
  }

  std::string error() const {
    try {
      files_of_llava(model_, tower_);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  const base::TemporaryFolder folder_;
  const fs::path model_ = folder_.path() / "authors" / "llava";
  const fs::path tower_ = folder_.path() / "clip";
  Json config_ = {{"architectures", {"LlavaLlamaForCausalLM"}},
                  {"hidden_size", 16},
                  {"vocab_size", 128},
                  {"image_aspect_ratio", "pad"},
                  {"mm_projector_type", "mlp2x_gelu"},
                  {"mm_vision_select_layer", -2},
                  {"mm_vision_tower", "somebody/clip"},
                  {"eos_token_id", 2}};
};

TEST_F(LlavaFiles, AreTheHubs) {
  ASSERT_TRUE(is_authors_llava(model_));
  EXPECT_FALSE(is_authors_llava(tower_));
  DerivedFiles files = files_of_llava(model_, tower_);
  const Json config = Json::parse(files.at("config.json"));
  EXPECT_EQ(config["architectures"][0], "LlavaForConditionalGeneration");
  EXPECT_EQ(config["text_config"]["hidden_size"], 16);
  // The token for pictures comes behind the table's rows, of which it gets some more.
  EXPECT_EQ(config["image_token_index"], 128);
  EXPECT_EQ(config["text_config"]["vocab_size"], 192);
  EXPECT_EQ(
      Json::parse(files.at("tokenizer_config.json"))["added_tokens_decoder"]["128"]["content"],
      "<image>");
  EXPECT_EQ(config["vision_feature_layer"], -2);
  EXPECT_EQ(config["image_aspect_ratio"], "pad");
  EXPECT_EQ(config["vision_config"]["hidden_size"], 8);
  EXPECT_EQ(Json::parse(files.at("generation_config.json"))["eos_token_id"], 2);
  EXPECT_THAT(files.at("chat_template.jinja"), HasSubstr("A chat between a curious user"));
}

TEST_F(LlavaFiles, HaveATemplateThatShowsPictures) {
  const auto has_own = [this](const Json& settings) {
    write(model_ / "tokenizer_config.json", settings);
    return files_of_llava(model_, tower_).contains("chat_template.jinja");
  };
  EXPECT_TRUE(has_own({{"chat_template", "{{ messages[0].content }}"}}));
  EXPECT_FALSE(has_own({{"chat_template", "{% if part.type == 'image' %}<image>{% endif %}"}}));
}

TEST_F(LlavaFiles, AreNotMadeOfWhatLlava15DoesNotHave) {
  EXPECT_EQ(error(), "no error");
  const std::pair<const char*, Json> spoils[] = {
      {"mm_projector_type", "linear"},  {"mm_patch_merge_type", "spatial_unpad"},
      {"image_aspect_ratio", "anyres"}, {"mm_vision_select_feature", "cls"},
      {"mm_use_im_start_end", true},    {"vocab_size", "many"}};
  for (const auto& [key, value] : spoils) {
    Json config = config_;
    config[key] = value;
    write(model_ / "config.json", config);
    EXPECT_THAT(error(), HasSubstr(std::string("config.json: key '") + key + "'")) << key;
  }
  write(model_ / "config.json", config_);
  fs::remove(model_ / "tokenizer.json");
  EXPECT_THAT(error(), HasSubstr("found no tokenizer, wanted tokenizer.model or tokenizer.json"));
  base::write_file_atomically(model_ / "tokenizer.json", "[]");
  EXPECT_THAT(error(), HasSubstr("tokenizer.json: is no tokenizer.json"));
  fs::remove(tower_ / "preprocessor_config.json");
  write(model_ / "tokenizer.json", {{"model", Json::object()}});
  EXPECT_THAT(error(), HasSubstr("no picture settings, wanted preprocessor_config.json"));
}

TEST_F(LlavaFiles, AreNotMadeOfATokenizerThatIsOutOfBounds) {
  const auto refusal = [this](const std::string& added) {
    base::write_file_atomically(model_ / "tokenizer.json",
                                R"({"model": {}, "added_tokens": )" + added + "}");
    const std::string line = error();
    EXPECT_EQ(line.find('\n'), std::string::npos);
    return line;
  };
  EXPECT_EQ(refusal(R"([{"id": 1048576, "content": "x"}])"), "no error");
  for (const char* id : {"1048577", "-1", "9223372036854775807", "18446744073709551615"})
    EXPECT_THAT(refusal(R"([{"content": "x", "id": )" + std::string(id) + "}]"),
                HasSubstr("tokenizer.json: an added token has id "))
        << id;
  for (const char* token : {R"([{"id": 1, "content": 2}])", R"([{"content": "x"}])", R"("x")"})
    EXPECT_THAT(refusal(token), HasSubstr("tokenizer.json: an added token has no id")) << token;
  constexpr size_t kDeep = 1'000'000;
  EXPECT_THAT(refusal(std::string(kDeep, '[') + std::string(kDeep, ']')),
              HasSubstr("tokenizer.json: JSON is nested more than 200 deep"));
  EXPECT_THAT(refusal(std::string(kDeep, '[')), HasSubstr("tokenizer.json: "));
}

TEST_F(LlavaFiles, GiveThePlaceholderAnIdThatNoOtherTokenHas) {
  config_["vocab_size"] = 2;
  write(model_ / "config.json", config_);
  write(model_ / "tokenizer_config.json",
        {{"added_tokens_decoder", {{"2", {{"content", "<pad>"}}}}}});
  DerivedFiles files = files_of_llava(model_, tower_);
  EXPECT_EQ(Json::parse(files.at("config.json"))["image_token_index"], 3);
  const Json added = Json::parse(files.at("tokenizer_config.json"))["added_tokens_decoder"];
  EXPECT_EQ(added["2"]["content"], "<pad>");
  EXPECT_EQ(added["3"]["content"], "<image>");
  // Nor a second one, if there is one.
  write(model_ / "tokenizer_config.json",
        {{"added_tokens_decoder", {{"2", {{"content", "<image>"}}}}}});
  files = files_of_llava(model_, tower_);
  EXPECT_EQ(Json::parse(files.at("config.json"))["image_token_index"], 2);
  EXPECT_EQ(Json::parse(files.at("tokenizer_config.json"))["added_tokens_decoder"].size(), 1u);
}

TEST_F(LlavaFiles, FindTheTowerBesideTheModelBeforeTheHub) {
  const FindModel none = [](const std::string& name) -> fs::path { fail("no model ", name); };
  EXPECT_THROW(tower_of(model_, none), Error);
  const FindModel hub = [this](const std::string& name) {
    EXPECT_EQ(name, "somebody/clip");
    return tower_;
  };
  EXPECT_EQ(tower_of(model_, hub), tower_);
  for (const fs::path& place :
       {folder_.path() / "somebody" / "clip", folder_.path() / "authors" / "clip"}) {
    base::make_folder(place);
    write(place / "config.json", Json::object());
    EXPECT_EQ(tower_of(model_, none), place);
    EXPECT_EQ(tower_of(model_ / "", none), place) << "a slash at the end";
  }
}

}  // namespace
}  // namespace visavis::adopt
