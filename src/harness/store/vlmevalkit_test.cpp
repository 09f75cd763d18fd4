#include "harness/store/vlmevalkit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "harness/suites/tsv.h"

namespace visavis::store {
namespace {

using testing::HasSubstr;

const char* const kQuestions =
    "index\tquestion\thint\tA\tB\tanswer\tcategory\n"
    "7\t\"Which \"\"one\"\"?\tReally?\"\tLook.\tcat\tdog\tB\tanimals\n"
    "1000007\tWhich?\t\tdog\tcat\tA\tanimals\n"
    "8\t写着什么？\t\t\t\t\"[\"\"年\"\",\"\"New Year\"\"]\"\ttext\n";

// A run of two models over the questions: the first failed once, the second has not finished.
RunData make_run() {
  RunData run;
  run.suites = {{0, "Set", {}, {}, {}}};
  for (const char* label : {"a/b", "c"})
    run.models.push_back({static_cast<int64_t>(run.models.size()), label, label, {}, {}});
  for (const suites::Question& question : suites::parse_tsv(kQuestions, "Set.tsv").questions) {
    ItemRow item;
    item.id = static_cast<int64_t>(run.items.size());
    item.question = question;
    run.items.push_back(item);
  }
  run.items.push_back(run.items.front());
  run.items.back().sample = 1;
  const auto add = [&](int64_t model, int64_t item, const char* text, const char* failure) {
    AnswerRow answer;
    answer.model = model;
    answer.item = item;
    answer.text = text;
    answer.failure = failure;
    run.answers.push_back(answer);
  };
  add(0, 0, "B\tis \"right\"\nI think", "");
  add(0, 1, "", "no memory");
  add(0, 2, "年", "");
  add(0, 3, "another sample", "");
  add(1, 2, "x", "");
  return run;
}

TEST(Vlmevalkit, ReadsItsOwnQuestionsBack) {
  const RunData run = make_run();
  const std::string tsv = vlmevalkit_tsv(run, 0, 0);
  EXPECT_TRUE(tsv.starts_with("index\tquestion\thint\tA\tB\tanswer\tcategory\tprediction\n"));
  EXPECT_THAT(tsv, HasSubstr("\t\"B\tis \"\"right\"\"\nI think\"\n"));
  EXPECT_THAT(tsv, HasSubstr("\tFailed to obtain answer via API.\n"));
  const suites::Suite again = suites::parse_tsv(tsv, "again.tsv");
  ASSERT_EQ(again.questions.size(), 3U) << "of the samples only the first";
  for (size_t i = 0; i < again.questions.size(); ++i) {
    const suites::Question& was = run.items[i].question;
    const suites::Question& is = again.questions[i];
    EXPECT_EQ(is.id, was.id);
    EXPECT_EQ(is.question, was.question);
    EXPECT_EQ(is.scenario, was.scenario);
    EXPECT_EQ(is.grader, was.grader);
    EXPECT_EQ(is.key.answers, was.key.answers);
    EXPECT_EQ(is.key.options, was.key.options);
    EXPECT_EQ(is.rotation_of, was.rotation_of);
  }
}

TEST(Vlmevalkit, WritesAFileForEveryModelAndSuite) {
  const base::TemporaryFolder folder;
  RunData run = make_run();
  const auto written = write_vlmevalkit(folder.path() / "out", run);
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[0].filename(), "a_b_Set.tsv");
  EXPECT_EQ(base::read_file(written[1]),
            "index\tquestion\tanswer\tcategory\tprediction\n"
            "8\t写着什么？\t\"[\"\"年\"\",\"\"New Year\"\"]\"\ttext\tx\n");
  run.models[1].label = "a:b";
  EXPECT_THROW(write_vlmevalkit(folder.path(), run), Error);
}

}  // namespace
}  // namespace visavis::store
