// grade and report on a run that compare made; suites on suites.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "cli/compare.h"
#include "cli/verbs.h"
#include "harness/runner/fake_host.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::cli {

void add_diff(CLI::App& app, int& exit_code);
void add_grade(CLI::App& app, int& exit_code);
void add_report(CLI::App& app, int& exit_code);
void add_suites(CLI::App& app, int& exit_code);

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kTiny = fs::path(VISAVIS_SOURCE_DIR) / "tests/data/suites/tiny";

std::string printed_by(AddVerb add, std::vector<std::string> arguments) {
  CLI::App app;
  int exit_code = kFailed;
  add(app, exit_code);
  testing::internal::CaptureStdout();
  std::reverse(arguments.begin(), arguments.end());
  app.parse(std::move(arguments));
  std::fflush(stdout);
  EXPECT_EQ(exit_code, kDone);
  return testing::internal::GetCapturedStdout();
}

class FinishedRunTest : public testing::Test {
 protected:
  FinishedRunTest() {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("visavis_finished_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    CompareOptions options;
    options.what = {"fake-a", "fake-b"};
    options.suites = {kTiny};
    options.out = folder_;
    options.warmup = 0;
    runner::FakeHost host;
    const std::atomic<bool> stop{false};
    std::ostringstream out, err;
    EXPECT_EQ(compare(options, host, stop, out, err, false), kDone);
  }
  ~FinishedRunTest() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST_F(FinishedRunTest, ReportWritesTheSameFilesAgain) {
  const std::string before = base::read_file(folder_ / "summary.json", 1 << 24);
  fs::remove(folder_ / "summary.json");
  fs::remove(folder_ / "report.html");
  printed_by(&add_report, {"report", folder_.string()});
  EXPECT_EQ(base::read_file(folder_ / "summary.json", 1 << 24), before);
  EXPECT_TRUE(fs::is_regular_file(folder_ / "report.html"));
  EXPECT_THAT(printed_by(&add_report, {"report", folder_.string(), "--lang", "zh"}),
              HasSubstr("准确率"));
}

TEST_F(FinishedRunTest, ReportWritesPredictionsForVlmevalkit) {
  const fs::path out = folder_ / "predictions";
  printed_by(&add_report, {"report", folder_.string(), "--vlmevalkit", out.string()});
  EXPECT_TRUE(fs::is_regular_file(out / "fake-a_tiny.tsv"));
  EXPECT_THAT(base::read_file(out / "fake-b_tiny.tsv"), HasSubstr("\tprediction\n"));
}

TEST_F(FinishedRunTest, GradingAgainRestoresWhatTheGradersSay) {
  const fs::path path = runner::store_path(folder_);
  const std::vector<store::GradeRow> right = store::read_run(path).grades;
  {
    store::Store store = store::Store::open(path);
    std::vector<store::GradeRow> spoiled = right;
    for (store::GradeRow& row : spoiled) {
      row.grade.score = 0.25;
      row.grade.verdict = graders::Verdict::partial;
    }
    store.replace_grades(spoiled);
  }
  printed_by(&add_grade, {"grade", folder_.string()});
  const std::vector<store::GradeRow> found = store::read_run(path).grades;
  ASSERT_EQ(found.size(), right.size());
  for (size_t i = 0; i < right.size(); ++i) {
    EXPECT_EQ(found[i].grade.score, right[i].grade.score) << i;
    EXPECT_EQ(found[i].grade.verdict, right[i].grade.verdict) << i;
    EXPECT_EQ(found[i].grade.rule, right[i].grade.rule) << i;
  }
}

// The exit code of diff over this run, all of it graded right, and a copy in which the first
// model's answers are wrong if `spoil` says so.
class DiffTest : public FinishedRunTest {
 protected:
  int diff(bool spoil) {
    const fs::path later = folder_ / "later";
    fs::create_directories(later);
    fs::copy_file(runner::store_path(folder_), runner::store_path(later),
                  fs::copy_options::overwrite_existing);
    {
      store::Store store = store::Store::open(runner::store_path(later));
      std::vector<store::GradeRow> grades = store.read_all().grades;
      std::vector<store::GradeRow> before = grades;
      for (store::GradeRow& row : before) {
        row.grade.score = 1;
        row.grade.verdict = graders::Verdict::full;
      }
      store::Store::open(runner::store_path(folder_)).replace_grades(before);
      for (store::GradeRow& row : grades) {
        const bool wrong = spoil && row.model == 0;
        row.grade.score = wrong ? 0 : 1;
        row.grade.verdict = wrong ? graders::Verdict::wrong : graders::Verdict::full;
      }
      store.replace_grades(grades);
    }
    CLI::App app;
    int exit_code = kFailed;
    add_diff(app, exit_code);
    testing::internal::CaptureStdout();
    app.parse(std::vector<std::string>{later.string(), folder_.string(), "diff"});
    std::fflush(stdout);
    printed_ = testing::internal::GetCapturedStdout();
    return exit_code;
  }

  std::string printed_;
};

TEST_F(DiffTest, OfEqualRunsIsNoRegression) {
  EXPECT_EQ(diff(false), kDone);
  EXPECT_THAT(printed_, HasSubstr("100.0 % -> 100.0 %"));
}

TEST_F(DiffTest, AModelThatGotWorseBeyondChanceGivesItsOwnExitCode) {
  EXPECT_EQ(diff(true), kRegression);
  EXPECT_THAT(printed_, HasSubstr("100.0 % -> 0.0 %"));
  EXPECT_THAT(printed_, HasSubstr(": worse"));
}

TEST(FinishedRun, OfAFolderWithoutARunIsRefused) {
  CLI::App app;
  int exit_code = kDone;
  add_report(app, exit_code);
  EXPECT_THROW(app.parse(std::vector<std::string>{testing::TempDir() + "/nothing", "report"}),
               Error);
}

TEST(Suites, AreListedCheckedAndShown) {
  EXPECT_THAT(printed_by(&add_suites, {"suites"}), HasSubstr("demo"));
  EXPECT_THAT(printed_by(&add_suites, {"suites", kTiny.string(), "--preview", "1"}),
              HasSubstr("graders "));
  const base::Json json =
      base::parse_json(printed_by(&add_suites, {"suites", kTiny.string(), "--json"}), "stdout");
  EXPECT_EQ(json.at("name"), "tiny");
  EXPECT_FALSE(json.at("questions").empty());
}

}  // namespace
}  // namespace visavis::cli
