#include "cli/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "harness/graders/graders.h"
#include "harness/runner/experiment.h"
#include "harness/suites/formats.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class InitTest : public testing::Test {
 protected:
  InitTest() {
    fs::create_directory(folder_);
    for (const char* name : {"b.PNG", "a, the \"first\".jpg", "notes.txt"})
      std::ofstream(folder_ / name) << "x";
  }

  std::string error(const std::string& models = "a,b") {
    try {
      init_experiment(folder_, "en", models);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  base::TemporaryFolder parent_;
  const fs::path folder_ = parent_.path() / "visavis init";
};

TEST_F(InitTest, WritesAnExperimentThatCanBeRead) {
  for (const char* lang : {"en", "zh"}) {
    fs::remove(folder_ / "questions.csv");
    fs::remove(folder_ / "experiment.yaml");
    EXPECT_EQ(init_experiment(folder_, lang, "demo-qwen3-vl, demo-llava"), 2U);
    const runner::Experiment experiment = runner::read_experiment(folder_ / "experiment.yaml", {});
    ASSERT_EQ(experiment.providers.size(), 2U);
    EXPECT_EQ(experiment.providers[1].model, "demo-llava");
    EXPECT_EQ(experiment.lang, lang);
    const suites::Suite suite = suites::load_suite(experiment.suites.at(0).path);
    graders::require_gradable(suite);
    ASSERT_EQ(suite.questions.size(), 2U);
    EXPECT_EQ(suite.questions[0].images[0].name, "a, the \"first\".jpg");
    EXPECT_EQ(suite.questions[1].grader, "shown");
    EXPECT_EQ(suite.questions[1].lang, lang);
  }
}

TEST_F(InitTest, OverwritesNothing) {
  init_experiment(folder_, "en", "a,b");
  const std::string before = base::read_file(folder_ / "questions.csv");
  EXPECT_THAT(error(), HasSubstr("questions.csv' exists already"));
  fs::remove(folder_ / "questions.csv");
  EXPECT_THAT(error(), HasSubstr("experiment.yaml' exists already"));
  EXPECT_FALSE(fs::exists(folder_ / "questions.csv"));
  fs::remove(folder_ / "experiment.yaml");
  std::ofstream(folder_ / "mine.csv") << before;
  EXPECT_THAT(error(), HasSubstr("may hold questions already"));
}

TEST_F(InitTest, WantsPicturesAndNames) {
  EXPECT_THAT(error("a,,b"), HasSubstr("--models holds an empty name"));
  EXPECT_FALSE(fs::exists(folder_ / "questions.csv"));
  std::ofstream(folder_ / "c;d.png") << "x";
  EXPECT_THAT(error(), HasSubstr("semicolon"));
  fs::remove_all(folder_);
  EXPECT_THAT(error(), HasSubstr("no folder"));
  fs::create_directories(folder_);
  EXPECT_THAT(error(), HasSubstr("holds no picture"));
}

}  // namespace
}  // namespace visavis::cli
