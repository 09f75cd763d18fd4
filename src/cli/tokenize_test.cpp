#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/verbs.h"

namespace visavis::cli {

void add_tokenize(CLI::App& app, int& exit_code);

namespace {

using testing::HasSubstr;

const std::filesystem::path kData = std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data";
const std::string kLlava = VISAVIS_GOLDENS_DIR "/models/llava_hub";

std::string run(std::vector<std::string> arguments) {
  CLI::App app;
  int exit_code = kFailed;
  add_tokenize(app, exit_code);
  arguments.insert(arguments.begin(), "tokenize");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  testing::internal::CaptureStdout();
  try {
    app.parse(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  EXPECT_EQ(exit_code, kDone);
  return testing::internal::GetCapturedStdout();
}

TEST(TokenizeVerb, PrintsIdsWithBosAndTheTextWithoutSpecialTokens) {
  const auto json = base::parse_json(run({kLlava, "--text", "<image>Hi  there\n", "--json"}), "");
  EXPECT_EQ(json.size(), 2u);
  EXPECT_EQ(json["ids"][0], 1);
  EXPECT_THAT(json["text"].get<std::string>(), HasSubstr("Hi  there\n"));
  EXPECT_THAT(json["text"].get<std::string>(), testing::Not(HasSubstr("<")));
}

TEST(TokenizeVerb, ReadsAFileAndGivesTheSameIds) {
  const auto path = std::filesystem::path(testing::TempDir()) / "visavis_tokenize_test.txt";
  std::ofstream(path) << "两个 apples";
  EXPECT_EQ(run({kLlava, "--file", path, "--json"}),
            run({kLlava, "--text", "两个 apples", "--json"}));
  std::filesystem::remove(path);
}

TEST(TokenizeVerb, RecognisesNoSpecialTokenInPlainText) {
  const auto special = base::parse_json(run({kLlava, "-t", "<image>", "--json"}), "");
  const auto plain = base::parse_json(run({kLlava, "-t", "<image>", "--plain", "--json"}), "");
  EXPECT_EQ(special["text"], "");
  EXPECT_EQ(plain["text"], "<image>");
  EXPECT_GT(plain["ids"].size(), special["ids"].size());
}

TEST(TokenizeVerb, ListsTokensAndTheRulesThatRan) {
  const std::string text = run({kLlava, "--text", "<s>\n"});
  EXPECT_THAT(text, HasSubstr("\"<s>\"  special\n"));
  EXPECT_THAT(text, HasSubstr("rules: tokenizer.json"));
}

TEST(TokenizeVerb, WantsExactlyOneSourceAndAFolderWithATokenizer) {
  EXPECT_THROW(run({kLlava}), CLI::ParseError);
  EXPECT_THROW(run({kLlava, "--text", "a", "--file", "b"}), CLI::ParseError);
  EXPECT_THROW(run({"/nonexistent", "--text", "a"}), Error);
  EXPECT_THROW(run({kData, "--text", "a"}), Error);
}

}  // namespace
}  // namespace visavis::cli
