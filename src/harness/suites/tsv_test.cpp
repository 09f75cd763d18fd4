#include "harness/suites/tsv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/base64.h"
#include "base/error.h"
#include "harness/suites/formats.h"
#include "harness/suites/pictures.h"
#include "harness/suites/test_folder.h"

namespace visavis::suites {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TestFolder kFolder("tsv");
const std::filesystem::path kPath = kFolder.path() / "visavis_test.tsv";

std::string picture_of(char fill) { return std::string(100, fill); }
std::string cell_of(char fill) { return base::base64(picture_of(fill)); }

Suite read(const std::string& text) {
  std::ofstream(kPath, std::ios::binary) << text;
  return read_tsv(kPath);
}

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Tsv, ReadsMultipleChoiceWithPicturesInside) {
  const Suite suite = read("index\timage\tquestion\tA\tB\tC\tanswer\tcategory\n7\t" + cell_of('x') +
                           "\tWhich?\tcat\tdog\t\tB\tanimals\n");
  ASSERT_EQ(suite.questions.size(), 1U);
  const Question& question = suite.questions[0];
  EXPECT_EQ(suite.name, "visavis_test");
  EXPECT_EQ(question.id, "7");
  EXPECT_EQ(question.scenario, "animals");
  EXPECT_EQ(question.grader, "choice");
  EXPECT_THAT(question.key.options, ElementsAre("cat", "dog"));
  EXPECT_EQ(question.question,
            "Question: Which?\nOptions:\nA. cat\nB. dog\n"
            "Please select the correct answer from the options above.");
  ASSERT_EQ(question.images.size(), 1U);
  EXPECT_EQ(picture_bytes(question.images[0]), picture_of('x'));
}

TEST(Tsv, TakesPicturesFromOtherRowsAndLists) {
  const Suite suite =
      read("index\timage\tquestion\tanswer\n1\t" + cell_of('a') + "\tq\tyes\n2\t['" + cell_of('b') +
           "', '" + cell_of('c') + "']\tq\tyes\n3\t1\tq\tyes\n4\t['1', '2']\tq\tno\n");
  ASSERT_EQ(suite.questions.size(), 4U);
  EXPECT_EQ(picture_bytes(suite.questions[1].images[1]), picture_of('c'));
  EXPECT_EQ(suite.questions[2].images, suite.questions[0].images);
  EXPECT_EQ(suite.questions[3].images.size(), 3U);
  EXPECT_EQ(suite.questions[2].cluster, suite.questions[0].cluster);
  EXPECT_NE(suite.questions[1].cluster, suite.questions[0].cluster);
}

TEST(Tsv, KeepsQuotedTabsLineEndsAndQuotes) {
  const Suite suite =
      read("index\tquestion\tanswer\r\n1\t\"two\nlines\tand \"\"quotes\"\"\"\tyes\r\n2\tq\tno\r\n");
  ASSERT_EQ(suite.questions.size(), 2U);
  EXPECT_EQ(suite.questions[0].question, "two\nlines\tand \"quotes\"");
  EXPECT_EQ(suite.questions[1].key.answers, std::vector<std::string>{"no"});
}

TEST(Tsv, ReadsFilesHintsAndSeveralReferences) {
  const Suite suite = read(
      "index\tquestion\timage_path\thint\tanswer\n1\t图中有几只猫？\tsub/a.png\t看左边\t['3', "
      "'三']\n");
  const Question& question = suite.questions[0];
  EXPECT_EQ(question.lang, "zh");
  EXPECT_EQ(question.question, "提示：看左边\n图中有几只猫？");
  EXPECT_EQ(question.images[0].path, kPath.parent_path() / "sub/a.png");
  EXPECT_EQ(question.images[0].length, 0);
  EXPECT_EQ(question.grader, "vqa");
  EXPECT_THAT(question.key.answers, ElementsAre("3", "三"));
}

TEST(Tsv, PutsRotatedCopiesIntoOneCluster) {
  const Suite suite = read("index\timage\tquestion\tA\tB\tanswer\n5\t" + cell_of('a') +
                           "\tq\tx\ty\tA\n1000005\t" + cell_of('a') + "\tq\ty\tx\tB\n");
  EXPECT_EQ(suite.questions[0].cluster, suite.questions[1].cluster);
}

TEST(Tsv, KnowsRotatedCopies) {
  const Suite suite =
      read("index\tquestion\tA\tB\tanswer\n5\tq\tx\ty\tA\n1000005\tq\ty\tx\tB\n6\tq\tx\ty\tA\n");
  EXPECT_EQ(suite.questions[0].rotation_of, "5");
  EXPECT_EQ(suite.questions[1].rotation_of, "5");
  EXPECT_EQ(suite.questions[2].rotation_of, "");
}

TEST(Tsv, FindsUnpackedPictures) {
  const auto folder = kPath.parent_path() / "images/visavis_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "1.png") << "x";
  const Suite suite = read("index\tquestion\timage_path\tanswer\n1\tq\t1.png\tyes\n");
  EXPECT_EQ(suite.questions[0].images[0].path, folder / "1.png");
  std::filesystem::remove_all(folder);
}

TEST(Tsv, CountsLinesInsideCells) {
  EXPECT_THAT(error_of("index\tquestion\n1\t\"a\nb\"\n\n2\t\n"),
              HasSubstr(":5: column 'question'"));
}

TEST(Tsv, CountsRowsWithoutAPicture) {
  const Suite suite =
      read("index\timage\tquestion\tanswer\n1\t\tq\tyes\n2\t" + cell_of('a') + "\tq\tyes\n");
  ASSERT_EQ(suite.questions.size(), 1U);
  EXPECT_EQ(suite.questions[0].id, "2");
  ASSERT_EQ(suite.notes.size(), 1U);
  EXPECT_THAT(suite.notes[0].en, HasSubstr("1 rows"));
}

TEST(Tsv, SaysWhatIsWrong) {
  EXPECT_THAT(error_of(""), HasSubstr("is empty"));
  EXPECT_THAT(error_of("index\tanswer\n1\tx\n"), HasSubstr("has no column 'question'"));
  EXPECT_THAT(error_of("index\tquestion\n1\tq\n1\tq\n"),
              HasSubstr("visavis_test.tsv:3: index '1' stands here twice"));
  EXPECT_THAT(error_of("index\tquestion\n1\t\"q\n"), HasSubstr("does not end"));
  EXPECT_THAT(error_of("index\tquestion\timage\n1\tq\t9\n"),
              HasSubstr("row '9', which does not exist"));
  EXPECT_THAT(error_of("index\tquestion\n"), HasSubstr("holds no question"));
}

TEST(Tsv, WithABadPictureFailsWhenItIsAskedFor) {
  const Suite suite =
      read("index\timage\tquestion\tanswer\n1\t" + std::string(99, '!') + "\tq\tyes\n");
  EXPECT_THROW(picture_bytes(suite.questions[0].images[0]), Error);
}

TEST(Tsv, IsOneOfTheFormats) {
  std::ofstream(kPath, std::ios::binary) << "index\tquestion\tanswer\n1\tq\tyes\n";
  EXPECT_EQ(load_suite(kPath).questions.size(), 1U);
}

}  // namespace
}  // namespace visavis::suites
