// CSV beside pictures, conversations in JSONL, rotated copies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/base64.h"
#include "base/error.h"
#include "harness/suites/circular.h"
#include "harness/suites/csv.h"
#include "harness/suites/formats.h"
#include "harness/suites/items.h"
#include "harness/suites/pictures.h"
#include "harness/suites/sample.h"
#include "harness/suites/test_folder.h"

namespace visavis::suites {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Csv, InAFolderOfPicturesIsASuite) {
  const TestFolder folder("visavis_forms");
  folder.write("cat.png", "x");
  folder.write("dog.png", "y");
  folder.write("questions.csv",
               "\xEF\xBB\xBFimage,question,answer,aliases,A,B,category\r\n"
               "cat.png,\"What, exactly?\",a cat,cat;kitten,,,animals\r\n"
               "cat.png;dog.png,哪张是猫？,A,,第一张,第二张,\r\n");
  const Suite suite = load_suite(folder.path());
  EXPECT_EQ(suite.name, "visavis_forms");
  ASSERT_EQ(suite.questions.size(), 2U);
  EXPECT_EQ(suite.questions[0].question, "What, exactly?");
  EXPECT_EQ(suite.questions[0].grader, "contains");
  EXPECT_THAT(suite.questions[0].key.answers, ElementsAre("a cat", "cat", "kitten"));
  EXPECT_EQ(suite.questions[1].lang, "zh");
  EXPECT_EQ(suite.questions[1].grader, "choice");
  EXPECT_EQ(suite.questions[1].images[1].path, folder.path() / "dog.png");
  EXPECT_EQ(suite.questions[1].scenario, "all");
}

TEST(Csv, TakesTheSeparatorOfItsHeader) {
  EXPECT_EQ(parse_csv("question;answer\nWhat, then?;x\n", "f.csv").questions[0].question,
            "What, then?");
  EXPECT_EQ(parse_csv("question\tanswer\nq\tx\n", "f.csv").questions[0].key.answers[0], "x");
}

const char* const kMessages =
    R"({"messages": [{"role": "system", "content": "Be brief."},)"
    R"( {"role": "user", "content": [{"type": "text", "text": "Before:"},)"
    R"( {"type": "image_url", "image_url": {"url": "file://a.png"}},)"
    R"( {"type": "text", "text": "After:"}, {"type": "image_url", "image_url": "b.png"},)"
    R"( {"type": "text", "text": "What changed?"}]}], "answer": "the lamp"})";

TEST(Messages, KeepTurnsAndTheOrderOfTheirParts) {
  const Question question = parse_items(kMessages, "m.jsonl", "folder").front();
  EXPECT_EQ(question.id, "1");
  ASSERT_EQ(question.turns.size(), 2U);
  EXPECT_EQ(question.turns[0].role, chat::Role::system);
  const std::vector<Piece>& pieces = question.turns[1].pieces;
  ASSERT_EQ(pieces.size(), 5U);
  EXPECT_EQ(pieces[0].text, "Before:");
  EXPECT_EQ(pieces[1].image, 0);
  EXPECT_EQ(pieces[3].image, 1);
  EXPECT_EQ(question.images[0].path, "folder/a.png");
  EXPECT_EQ(question.question, "Before:\nAfter:\nWhat changed?");
  EXPECT_EQ(question.grader, "contains");
}

TEST(Messages, TakeTheAssistantsLastTurnAsTheAnswer) {
  const Question question =
      parse_items(R"({"messages": [{"role": "user", "content": "1 + 1?"},)"
                  R"( {"role": "assistant", "content": "2"}], "grader": "number"})",
                  "m.jsonl", "")
          .front();
  EXPECT_EQ(question.turns.size(), 1U);
  EXPECT_THAT(question.key.answers, ElementsAre("2"));
}

TEST(Messages, ReadPicturesOutOfDataUrls) {
  const TestFolder folder("visavis_forms");
  const std::string bytes = "not really a picture";
  const auto path =
      folder.write("m.jsonl",
                   "\n{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", "
                   "\"text\": \"?\"}, {\"type\": \"image_url\", \"image_url\": {\"url\": "
                   "\"data:image/png;base64," +
                       base::base64(bytes) + "\"}}]}]}\n");
  const Suite suite = load_suite(path);
  EXPECT_EQ(picture_bytes(suite.questions[0].images[0]), bytes);
}

TEST(Messages, OfOtherToolsPromptFiles) {
  const Question question =
      parse_items(R"({"prompt": "What?", "image_files": ["a.png"]})", "m.jsonl", "f").front();
  EXPECT_EQ(question.question, "What?");
  EXPECT_EQ(question.images[0].path, "f/a.png");
}

Suite choice_suite(const std::string& id) {
  Suite suite;
  suite.source = "s.jsonl";
  suite.questions = parse_items("{\"id\": \"" + id +
                                    "\", \"question\": \"Which?\", \"options\": [\"cat\", "
                                    "\"dog\", \"cow\"], \"answer\": \"dog\"}",
                                "s.jsonl", "");
  return suite;
}

TEST(Circular, AsksEveryRotationOfTheOptions) {
  Suite suite = choice_suite("7");
  add_rotations(suite);
  ASSERT_EQ(suite.questions.size(), 3U);
  EXPECT_EQ(suite.questions[1].id, "1000007");
  EXPECT_EQ(suite.questions[2].id, "2000007");
  EXPECT_THAT(suite.questions[1].key.options, ElementsAre("dog", "cow", "cat"));
  EXPECT_THAT(suite.questions[1].key.answers, ElementsAre("A"));
  EXPECT_THAT(suite.questions[2].key.options, ElementsAre("cow", "cat", "dog"));
  EXPECT_THAT(suite.questions[2].key.answers, ElementsAre("C"));
  EXPECT_THAT(suite.questions[1].question, HasSubstr("A. dog\nB. cow\nC. cat"));
  for (const Question& question : suite.questions) {
    EXPECT_EQ(question.rotation_of, "7");
    EXPECT_EQ(question.cluster, suite.questions[0].cluster);
  }
  add_rotations(suite = choice_suite("desk"));
  EXPECT_EQ(suite.questions[1].id, "desk~1");
}

Suite suite_of(int cats, int dogs, int cows) {
  Suite suite;
  suite.name = "s";
  for (const auto& [scenario, count] :
       {std::pair{"cats", cats}, std::pair{"dogs", dogs}, std::pair{"cows", cows}})
    for (int i = 0; i < count; ++i) {
      suite.questions.emplace_back();
      suite.questions.back().id = std::string(scenario) + std::to_string(i);
      suite.questions.back().scenario = scenario;
    }
  return suite;
}

std::vector<int> counts_of(const Suite& suite) {
  std::vector<int> counts(3);
  for (const Question& question : suite.questions)
    ++counts[question.scenario == "cats" ? 0 : question.scenario == "dogs" ? 1 : 2];
  return counts;
}

TEST(Sample, TakesEveryScenarioInProportion) {
  Suite suite = suite_of(60, 30, 10);
  take_sample(suite, 20, 1);
  EXPECT_THAT(counts_of(suite), ElementsAre(12, 6, 2));
  EXPECT_EQ(suite.notes.size(), 1U);
  suite = suite_of(97, 2, 1);
  take_sample(suite, 10, 1);
  EXPECT_THAT(counts_of(suite), ElementsAre(9, 1, 0));
  take_sample(suite = suite_of(2, 2, 2), 5, 1);
  EXPECT_EQ(suite.questions.size(), 5U);
}

TEST(Sample, IsTheSeedsAndKeepsTheOrder) {
  Suite first = suite_of(50, 0, 0);
  Suite again = first;
  Suite other = first;
  take_sample(first, 10, 1);
  take_sample(again, 10, 1);
  take_sample(other, 10, 2);
  const auto ids = [](const Suite& suite) {
    std::vector<std::string> out;
    for (const Question& question : suite.questions) out.push_back(question.id);
    return out;
  };
  EXPECT_EQ(ids(first), ids(again));
  EXPECT_NE(ids(first), ids(other));
  Suite whole = suite_of(5, 0, 0);
  take_sample(whole, 5, 1);
  EXPECT_EQ(whole.questions.size(), 5U);
  EXPECT_TRUE(whole.notes.empty());
}

TEST(Sample, KeepsRotatedCopiesTogether) {
  Suite suite = choice_suite("7");
  suite.questions.push_back(choice_suite("8").questions[0]);
  add_rotations(suite);
  take_sample(suite, 1, 3);
  ASSERT_EQ(suite.questions.size(), 3U);
  EXPECT_EQ(suite.questions[0].rotation_of, suite.questions[2].rotation_of);
}

TEST(Circular, NeedsOptions) {
  Suite suite;
  suite.source = "s.jsonl";
  suite.questions = parse_items(R"({"question": "?", "answer": "x"})", "s.jsonl", "");
  EXPECT_THROW(add_rotations(suite), Error);
}

}  // namespace
}  // namespace visavis::suites
