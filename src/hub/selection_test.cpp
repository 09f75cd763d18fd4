#include "hub/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace visavis::hub {
namespace {

using testing::ElementsAre;

std::vector<std::string> selected(const std::vector<std::string>& paths) {
  Listing listing;
  for (const std::string& path : paths)
    listing.files.push_back({.path = path, .sha256 = {}, .git_sha1 = {}});
  std::vector<std::string> names;
  for (const RemoteFile& file : select_by_rule(listing, "a/b")) names.push_back(file.path);
  return names;
}

TEST(SelectByRule, TakesSafetensorsAndWhatTheEngineReads) {
  EXPECT_THAT(selected({".gitattributes", "README.md", "config.json", "chat_template.jinja",
                        "merges.txt", "tokenizer.model", "model-1.safetensors",
                        "consolidated.safetensors", "pytorch_model.bin", "onnx/config.json",
                        "training_args.bin", "model.gguf", "LICENSE"}),
              ElementsAre("config.json", "chat_template.jinja", "merges.txt", "tokenizer.model",
                          "LICENSE", "model-1.safetensors"));
  EXPECT_THAT(selected({"config.json", "pytorch_model.bin", "training_args.bin"}),
              ElementsAre("config.json", "pytorch_model.bin"));
}

TEST(SelectByRule, TakesOneGgufOfFourBitsAndItsMmproj) {
  EXPECT_THAT(selected({"Q-Q8_0.gguf", "Q-Q4_K_S.gguf", "Q-Q4_K_M.gguf", "mmproj-Q-Q8_0.gguf",
                        "mmproj-Q-BF16.gguf", "mmproj-Q-F16.gguf"}),
              ElementsAre("Q-Q4_K_M.gguf", "mmproj-Q-F16.gguf"));
  EXPECT_THAT(selected({"ggml-model-f16.gguf", "ggml-model-q4_k.gguf", "mmproj-model-f16.gguf"}),
              ElementsAre("ggml-model-q4_k.gguf", "mmproj-model-f16.gguf"));
  EXPECT_THAT(
      selected({"Q4_0_4_4.gguf", "Q-Q4_0-00001-of-00002.gguf", "Q-Q4_0-00002-of-00002.gguf"}),
      ElementsAre("Q-Q4_0-00001-of-00002.gguf", "Q-Q4_0-00002-of-00002.gguf"));
  EXPECT_THROW(selected({"Q-Q8_0.gguf"}), Error);
  EXPECT_THROW(selected({"config.json"}), Error);
}

TEST(IsSafePath, KeepsBelowTheFolder) {
  for (const char* path : {"a", "a/b.json", ".hidden", "a..b", "模型.json"})
    EXPECT_TRUE(is_safe_path(path)) << path;
  for (const char* path : {"", "/a", "..", "a/../b", "a//b", "a/", "./a", "a\\b", "a\nb", "\xff"})
    EXPECT_FALSE(is_safe_path(path)) << path;
  EXPECT_TRUE(is_repository_name("Qwen/Qwen3-VL-8B-Instruct"));
  for (const char* name : {"a", "a/b/c", "../b", "a/..", "a/b--c", "a/b?c", "/b", "a/"})
    EXPECT_FALSE(is_repository_name(name)) << name;
}

TEST(Listing, RefusesPathsSizesAndCommitsThatCannotBe) {
  const auto info = [](const std::string& sibling, const std::string& sha) {
    return parse_huggingface_info(R"({"sha": ")" + sha + R"(", "siblings": [)" + sibling + "]}",
                                  "info");
  };
  const std::string sha(40, 'a');
  EXPECT_EQ(info(R"({"rfilename": "a", "size": 5})", sha).files.at(0).bytes, 5);
  EXPECT_THROW(info(R"({"rfilename": "../a"})", sha), Error);
  EXPECT_THROW(info(R"({"rfilename": "a", "size": -1})", sha), Error);
  EXPECT_THROW(info(R"({"rfilename": "a", "size": 1e300})", sha), Error);
  EXPECT_THROW(info(R"({"rfilename": "a", "size": 18446744073709551615})", sha), Error);
  EXPECT_THROW(info("3", sha), Error);
  EXPECT_THROW(info(R"({"rfilename": "a"})", "../../x"), Error);
  EXPECT_THROW(parse_modelscope_files(R"({"Success": false, "Message": "no"})", "files"), Error);
}

}  // namespace
}  // namespace visavis::hub
