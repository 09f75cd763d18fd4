#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "harness/suites/document.h"
#include "harness/suites/formats.h"
#include "harness/suites/items.h"
#include "harness/suites/pictures.h"
#include "harness/suites/suite_folder.h"
#include "harness/suites/test_folder.h"

namespace visavis::suites {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::filesystem::path kTiny =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/suites/tiny";

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string yaml_error(const std::string& text) {
  return error_of([&] { parse_yaml(text, "file.yaml"); });
}

std::string suite_error(const std::string& text) {
  std::string tests;
  return error_of([&] { parse_suite_yaml(text, "suite.yaml", tests); });
}

std::string items_error(const std::string& text) {
  return error_of([&] { parse_items(text, "items.jsonl", ""); });
}

TEST(SuiteFolder, IsReadAsItsContractSays) {
  const Suite suite = load_suite(kTiny);
  EXPECT_EQ(suite.name, "tiny");
  EXPECT_EQ(suite.title.zh, "小测试集");
  EXPECT_EQ(suite.max_tokens, 32);
  ASSERT_EQ(suite.scenarios.size(), 3u);
  EXPECT_FALSE(suite.scenarios[2].graded);
  ASSERT_EQ(suite.questions.size(), 11u);
  const Question& first = suite.questions.front();
  EXPECT_EQ(first.id, "desk-0");
  EXPECT_EQ(first.lang, "en");
  EXPECT_EQ(first.grader, "facts");
  EXPECT_EQ(first.key.facts[1].any, (std::vector<std::string>{"书", "book"}));
  EXPECT_EQ(first.key.contradictions, std::vector<std::string>{"猫"});
  EXPECT_EQ(first.images[0].name, "images/blue.png");
  EXPECT_EQ(suite.questions.back().images.size(), 2u);
}

TEST(SuiteFolder, MayBeNamedByItsYamlFile) {
  EXPECT_EQ(load_suite(kTiny / "suite.yaml").questions.size(), 11u);
}

TEST(Pictures, AreLoadedWithTheirContentHash) {
  const Suite suite = load_suite(kTiny);
  const LoadedPicture blue = load_picture(suite.questions[0].images[0]);
  const LoadedPicture red = load_picture(suite.questions[1].images[0]);
  EXPECT_EQ(std::get<chat::Image>(blue.part).bytes->substr(1, 3), "PNG");
  EXPECT_EQ(blue.sha256.size(), 64u);
  EXPECT_NE(blue.sha256, red.sha256);
}

TEST(Pictures, ThatAreMissingAreNamed) {
  const TestFolder folder("visavis_suites_test");
  const auto path = folder.write(
      "set.jsonl", R"({"id": "7", "question": "?", "images": ["gone.png"], "answer": "a"})");
  EXPECT_THAT(error_of([&] { load_suite(path); }),
              AllOf(HasSubstr("question '7'"), HasSubstr("'gone.png'"), HasSubstr("set.jsonl")));
  std::filesystem::create_directory(folder.path() / "gone.png");
  EXPECT_THAT(error_of([&] { load_suite(path); }), HasSubstr("no readable file"));
}

TEST(Videos, AreFilesOrFoldersOfFramesInTheOrderOfTheirNames) {
  const TestFolder folder("visavis_suites_test");
  std::filesystem::create_directory(folder.path() / "walk");
  for (const char* name : {"walk/b.png", "walk/a.JPG", "walk/notes.txt"}) folder.write(name, name);
  folder.write("clip.mp4", "a film");
  const auto path = folder.write(
      "set.jsonl", R"({"question": "?", "video": "walk", "frame_rate": 2.5, "answer": "a"})"
                   "\n"
                   R"({"question": "?", "video": ["clip.mp4"], "answer": "a"})");
  const Suite suite = load_suite(path);
  const LoadedPicture walk = load_picture(suite.questions.at(0).images.at(0));
  const auto& frames = std::get<chat::Video>(walk.part);
  EXPECT_EQ(frames.frame_rate, 2.5);
  ASSERT_EQ(frames.frames.size(), 2u);
  EXPECT_EQ(*frames.frames[0].bytes, "walk/a.JPG");
  EXPECT_EQ(frames.frames[1].name, "walk/b.png");
  const LoadedPicture clip = load_picture(suite.questions.at(1).images.at(0));
  EXPECT_EQ(*std::get<chat::Video>(clip.part).bytes, "a film");
  folder.write("walk/c.png", "one more");
  EXPECT_NE(load_picture(suite.questions.at(0).images.at(0)).sha256, walk.sha256);
}

TEST(Videos, ThatAreWrongAreRefusedWithTheirPlace) {
  const TestFolder folder("visavis_suites_test");
  const auto error = [&](const std::string& line) {
    return error_of([&] { load_suite(folder.write("set.jsonl", line)); });
  };
  EXPECT_THAT(error(R"({"question": "?", "video": "gone.mp4", "answer": "a"})"),
              HasSubstr("names video 'gone.mp4'"));
  EXPECT_THAT(error(R"({"question": "?", "video": "https://a/b.mp4", "answer": "a"})"),
              HasSubstr("on the network"));
  EXPECT_THAT(error(R"({"question": "?", "frame_rate": 2, "answer": "a"})"),
              HasSubstr("'frame_rate' without 'video'"));
  std::filesystem::create_directory(folder.path() / "empty");
  EXPECT_THAT(error_of([&] { load_video(folder.path() / "empty", "empty", 24); }),
              HasSubstr("found no frames"));
}

TEST(Jsonl, IsASuiteOfItsOwn) {
  const TestFolder folder("visavis_suites_test");
  const auto path = folder.write("set.jsonl",
                                 "{\"id\": 1, \"question\": \"How many?\", \"answer\": 3, "
                                 "\"aliases\": [\"three\"], \"category\": \"count\"}\r\n\n"
                                 "{\"id\": 2, \"question\": \"Look.\"}\n");
  const Suite suite = load_suite(path);
  EXPECT_EQ(suite.name, "set");
  ASSERT_EQ(suite.questions.size(), 2u);
  EXPECT_EQ(suite.questions[0].key.answers, (std::vector<std::string>{"3", "three"}));
  EXPECT_EQ(suite.questions[0].grader, "contains");
  EXPECT_EQ(suite.questions[0].scenario, "count");
  EXPECT_EQ(suite.questions[1].grader, "shown");
  EXPECT_EQ(suite.scenarios.size(), 2u);
}

TEST(Items, GiveFileLineAndKnownKeys) {
  EXPECT_THAT(items_error("{\"id\": \"1\", \"question\": \"?\"}\n{\"id\": \"2\", \"promt\": 1}"),
              AllOf(HasSubstr("items.jsonl:2:"), HasSubstr("'promt'"), HasSubstr("known: id,")));
  EXPECT_THAT(items_error("\n\n{\"id\": \"1\"}"),
              HasSubstr("items.jsonl:3: item has no 'question'"));
  EXPECT_THAT(items_error("{\"id\": \"1\", \"question\": \"?\", \"difficulty\": 4}"),
              HasSubstr("'difficulty' of item is '4', wanted a whole number from 1 to 3"));
  EXPECT_THAT(items_error("{\"id\": \"1\", \"question\": \"?\", \"facts\": [{\"any\": []}]}"),
              HasSubstr("'any' is empty"));
  EXPECT_THAT(items_error("{\"id\": \"1\", \"question\": \"?\", \"lang\": \"fr\"}"),
              HasSubstr("wanted en or zh"));
  EXPECT_THAT(items_error("{\"id\": 1, \"id\": 2}"), HasSubstr("twice"));
  EXPECT_THAT(items_error("{\"id\": "), HasSubstr("items.jsonl:1: not valid JSON"));
  EXPECT_THAT(items_error("[1]"), HasSubstr("wanted a map"));
  EXPECT_THAT(items_error(" \n"), HasSubstr("holds no question"));
}

TEST(SuiteYaml, GivesFileLineAndKnownKeys) {
  EXPECT_THAT(suite_error("name: a\ntests: b\nscenario: []\n"),
              AllOf(HasSubstr("suite.yaml:3: unknown key 'scenario'"), HasSubstr("scenarios")));
  EXPECT_THAT(suite_error("name: a\ntests: b\nscenarios: []\n"), HasSubstr("suite.yaml:3:"));
  EXPECT_THAT(suite_error("name: a\ntests: b\nscenarios:\n  - id: x\n  - id: x\n"),
              HasSubstr("suite.yaml:5: scenario 'x' stands here twice"));
  EXPECT_THAT(suite_error("name: a\ntests: b\nscenarios: [{id: x, graded: 1}]\n"),
              HasSubstr("wanted true or false"));
  EXPECT_THAT(suite_error("- 1\n"), HasSubstr("suite is a list, wanted a map"));
}

TEST(Suite, RefusesUnknownScenariosAndRepeatedIds) {
  const TestFolder folder("visavis_suites_test");
  folder.write("suite.yaml", "name: a\ntests: i.jsonl\nscenarios: [{id: x}]\n");
  folder.write("i.jsonl", R"({"id": "1", "question": "?", "scenario": "y"})");
  EXPECT_THAT(error_of([&] { load_suite(folder.path()); }),
              AllOf(HasSubstr("scenario 'y'"), HasSubstr("known: x")));
  folder.write("i.jsonl",
               "{\"id\": \"1\", \"question\": \"?\", \"scenario\": \"x\"}\n"
               "{\"id\": \"1\", \"question\": \"!\", \"scenario\": \"x\"}");
  EXPECT_THAT(error_of([&] { load_suite(folder.path()); }),
              HasSubstr("i.jsonl:2: question '1' has the id of an earlier one"));
}

TEST(Yaml, RefusesWhatIsHostile) {
  EXPECT_THAT(yaml_error("a: &x [1]\nb: *x\n"), HasSubstr("file.yaml:1: anchors"));
  EXPECT_THAT(yaml_error("a: !!binary x\n"), HasSubstr("tags are not accepted"));
  EXPECT_THAT(yaml_error("a: 1\na: 2\n"), HasSubstr("file.yaml:2: key 'a' stands here twice"));
  EXPECT_THAT(yaml_error("a: 1\n---\nb: 2\n"), HasSubstr("more than one document"));
  EXPECT_THAT(yaml_error(std::string(100, '[') + std::string(100, ']')),
              HasSubstr("nested deeper"));
  EXPECT_THAT(yaml_error(std::string(100000, '[')), HasSubstr("file.yaml:1:"));
  EXPECT_THAT(yaml_error("a: [1, 2\nb: 3\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(yaml_error(""), HasSubstr("is empty"));
  EXPECT_THAT(yaml_error("? [a]\n: b\n"), HasSubstr("a key must be a plain text"));
  EXPECT_THAT(yaml_error(std::string(5 << 20, ' ')), HasSubstr("wanted at most"));
  std::string many = "[";
  for (int i = 0; i < 200'001; ++i) many += "1,";
  EXPECT_THAT(yaml_error(many + "1]"), HasSubstr("more than 200000 values"));
}

TEST(FindSuite, LooksAtPathsThenAtLibraries) {
  const auto library = kTiny.parent_path();
  EXPECT_EQ(find_suite("tiny", "", {library}), library / "tiny");
  EXPECT_EQ(find_suite("tiny", library, {}), library / "tiny");
  EXPECT_EQ(find_suite("file://tiny", library, {}), library / "tiny");
  const TestFolder here("here");  // with a folder that happens to be called so
  std::filesystem::create_directory(here.path() / "tiny");
  EXPECT_EQ(find_suite("tiny", here.path(), {library}), library / "tiny");
  EXPECT_EQ(find_suite("tiny", here.path(), {}), here.path() / "tiny");
  EXPECT_THAT(error_of([&] { find_suite("huge", "", {library}); }),
              AllOf(HasSubstr("'huge'"), HasSubstr("tiny")));
}

TEST(Duration, KnowsSecondsMinutesAndHours) {
  EXPECT_EQ(parse_duration("90", "x"), 90);
  EXPECT_EQ(parse_duration("90s", "x"), 90);
  EXPECT_EQ(parse_duration("1.5m", "x"), 90);
  EXPECT_EQ(parse_duration("2h", "x"), 7200);
  for (const char* bad : {"", "h", "-1s", "2d", "1h30m", "nan", "inf", "1e12h"})
    EXPECT_THAT(error_of([&] { parse_duration(bad, "max_time"); }), HasSubstr("max_time")) << bad;
}

}  // namespace
}  // namespace visavis::suites
