// Token ids and texts against those of the oracle (tools/oracle/README.md describes the files).
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "engine/text/tokenizer.h"

namespace visavis::text {
namespace {

using base::Json;
namespace fs = std::filesystem;

const fs::path kSource = VISAVIS_SOURCE_DIR;
const fs::path kGoldens = VISAVIS_GOLDENS_DIR "/tokenizers";

// Ids, decoded text and streamed text of every string. `golden` has "ids" and "decoded".
void expect_results(const Tokenizer& tokenizer, const Json& strings, const Json& golden) {
  ASSERT_EQ(golden["ids"].size(), strings.size());
  ASSERT_EQ(golden["decoded"].size(), strings.size());
  for (size_t i = 0; i < strings.size(); ++i) {
    const auto text = strings[i].get<std::string>();
    const auto ids = golden["ids"][i].get<std::vector<int32_t>>();
    EXPECT_EQ(tokenizer.encode(text), ids) << "string " << i << ": " << strings[i].dump();
    const Json& decoded = golden["decoded"][i];
    const std::string wanted = decoded.is_null() ? text : decoded.get<std::string>();
    EXPECT_EQ(tokenizer.decode(ids, true), wanted) << "string " << i << ": " << strings[i].dump();
  }
}

class RealTokenizer : public testing::TestWithParam<const char*> {};

TEST_P(RealTokenizer, GivesTheOraclesIdsAndTextsOnEveryString) {
  const Json golden = base::read_json(kGoldens / (std::string(GetParam()) + ".json"));
  const fs::path folder =
      kSource / "tests/tokenizers/node_modules" / golden["package"].get<std::string>() / "models";
  ASSERT_TRUE(fs::exists(folder))
      << "the real tokenizers are not installed: run npm ci --prefix tests/tokenizers";
  const Tokenizer tokenizer = Tokenizer::load(folder);
  EXPECT_EQ(tokenizer.size(), golden["vocab_size"].get<int64_t>());
  const Json strings = base::read_json(kGoldens / "strings.json");
  ASSERT_GE(strings.size(), 2000u);
  expect_results(tokenizer, strings, golden);
}

INSTANTIATE_TEST_SUITE_P(OnDisk, RealTokenizer, testing::Values("qwen3", "llama2"),
                         [](const auto& which) { return std::string(which.param); });

TEST(TinyTokenizers, FollowTheClassTheModelTypeAndLegacyAsTheOracleDoes) {
  const Json strings = base::read_json(kGoldens / "tiny/strings.json");
  const Json variants = base::read_json(kGoldens / "tiny/variants.json");
  ASSERT_GE(variants.size(), 80u);
  for (const Json& variant : variants) {
    SCOPED_TRACE(variant["name"].get<std::string>());
    ASSERT_FALSE(variant.contains("error"));
    const Json* results = &variant;
    if (variant.contains("same_as")) {
      for (const Json& other : variants) {
        if (other["name"] == variant["same_as"]) results = &other;
      }
    }
    const fs::path file = kGoldens / "tiny" / variant["file"].get<std::string>();
    const Json& type = variant["model_type"];
    const Tokenizer tokenizer =
        Tokenizer::parse(base::read_file(file), variant["tokenizer_config"],
                         type.is_null() ? "" : type.get<std::string>(), file.string());
    EXPECT_EQ(tokenizer.size(), variant["vocab_size"].get<int64_t>());
    const auto oracle_class = variant["class"].get<std::string>();
    const std::string rule_class =
        oracle_class == "TokenizersBackend" ? "tokenizer.json" : oracle_class;
    EXPECT_TRUE(tokenizer.rule().starts_with(rule_class)) << tokenizer.rule();
    expect_results(tokenizer, strings, *results);
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace visavis::text
