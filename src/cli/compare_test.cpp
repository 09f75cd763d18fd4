#include "cli/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "cli/data_folders.h"
#include "cli/verbs.h"
#include "harness/runner/fake_host.h"

namespace visavis::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::filesystem::path kData = std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data";
const std::string kTiny = kData / "suites/tiny";

class CompareTest : public testing::Test {
 protected:
  CompareTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("visavis_compare_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    options_.what = {"fake-a", "fake-b"};
    options_.suites = {kTiny};
    options_.out = folder_ / "out";
    options_.warmup = 0;
  }
  ~CompareTest() override { std::filesystem::remove_all(folder_); }

  int start() {
    runner::FakeHost host;
    const std::atomic<bool> stop{false};
    out_.str("");
    err_.str("");
    return compare(options_, host, stop, out_, err_, false);
  }

  std::filesystem::path folder_;
  CompareOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CompareTest, WritesEveryOutput) {
  EXPECT_EQ(start(), kDone);
  for (const char* name : {"results.sqlite", "summary.json", "answers.jsonl", "answers.csv",
                           "report.md", "report.html"})
    EXPECT_TRUE(std::filesystem::is_regular_file(options_.out / name)) << name;
  EXPECT_FALSE(std::filesystem::exists(options_.out / "results.sqlite-wal"));
  EXPECT_NO_THROW(base::read_json(options_.out / "summary.json"));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("fake-a"), HasSubstr("fake-b")));
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("22/22 answers"), HasSubstr("report.html")));
}

TEST_F(CompareTest, StopsAtALimitWithItsOwnExitCodeAndResumes) {
  options_.limit = 3;
  EXPECT_EQ(start(), kStopped);
  EXPECT_TRUE(std::filesystem::exists(options_.out / "report.html"));
  EXPECT_THAT(err_.str(), HasSubstr("--resume"));
  options_.limit.reset();
  options_.resume = true;
  EXPECT_EQ(start(), kDone);
}

TEST_F(CompareTest, CallsABadExperimentWrongUsage) {
  options_.suites = {"nowhere"};
  EXPECT_EQ(start(), kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("visavis: no suite 'nowhere'"), HasSubstr("demo")));
  EXPECT_FALSE(std::filesystem::exists(options_.out));

  std::ofstream(folder_ / "e.yaml") << "providers: [fake-a]\nsuites: [" << kTiny << "]\nbudgt: 1\n";
  options_.suites.clear();
  options_.what = {folder_ / "e.yaml"};
  EXPECT_EQ(start(), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("e.yaml:3: unknown key 'budgt'"));
  options_.what.push_back("fake-b");
  EXPECT_EQ(start(), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("must stand alone"));
  options_.what = {"fake-a"};
  options_.suites = {kTiny};
  options_.budget = 5;
  EXPECT_EQ(start(), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--price"));
}

TEST_F(CompareTest, FailsWhenAModelCannotBeOpened) {
  options_.what = {"fake-a", "other"};
  EXPECT_THROW(start(), Error);
}

TEST_F(CompareTest, PutsTheCommandLineAboveTheExperimentFile) {
  options_.what = {(kData / "experiments/full.yaml").string()};
  options_.suites.clear();
  options_.model_options = {{"weights", "int8"}, {"threads", "1"}};
  options_.price = 3;
  options_.max_time = "30m";
  options_.seed = 9;
  options_.max_tokens = 8;
  options_.lang = "en";
  options_.currency = "EUR";
  const runner::Experiment experiment = make_experiment(options_, {kData / "suites"});
  EXPECT_EQ(experiment.providers[0].options,
            (chat::ModelOptions{
                {"weights", "int8"}, {"max_pixels", "802816"}, {"ctx", "4096"}, {"threads", "1"}}));
  EXPECT_EQ(experiment.suites.size(), 2u);
  EXPECT_EQ(experiment.limits.price_per_hour, 3);
  EXPECT_EQ(experiment.limits.currency, "EUR");
  EXPECT_EQ(experiment.limits.max_seconds, 1800);
  EXPECT_EQ(experiment.limits.max_cost, 5);
  EXPECT_EQ(experiment.seed, 9u);
  EXPECT_EQ(experiment.generation.max_tokens, 8);
  EXPECT_EQ(experiment.lang, "en");
  options_.suites = {"tiny"};
  EXPECT_EQ(make_experiment(options_, {kData / "suites"}).suites.size(), 1u);
}

TEST_F(CompareTest, AsksTheDemoSuiteWhenNothingElseIsSaid) {
  options_.suites.clear();
  const runner::Experiment experiment = make_experiment(options_, data_folders("suites"));
  ASSERT_EQ(experiment.suites.size(), 1u);
  EXPECT_EQ(experiment.suites[0].path.filename(), "demo");
}

}  // namespace
}  // namespace visavis::cli
