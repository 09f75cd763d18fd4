#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/verbs.h"

namespace visavis::cli {

void add_models(CLI::App& app, int& exit_code);

namespace {

using testing::HasSubstr;

std::string run(std::vector<std::string> arguments) {
  CLI::App app;
  int exit_code = kFailed;
  add_models(app, exit_code);
  testing::internal::CaptureStdout();
  app.parse(std::move(arguments));
  std::fflush(stdout);
  EXPECT_EQ(exit_code, kDone);
  return testing::internal::GetCapturedStdout();
}

TEST(Models, JsonSaysWhatIsHereAndWhatWouldHaveToBeDownloaded) {
  const base::Json models = base::parse_json(run({"--json", "models"}), "stdout").at("models");
  ASSERT_GE(models.size(), 2u);
  EXPECT_EQ(models[0].at("name"), "demo-qwen3-vl");
  EXPECT_TRUE(models[0].at("repository").is_null());
  EXPECT_THAT(models[0].at("folder").get<std::string>(), HasSubstr("demo/qwen3-vl"));
  EXPECT_GT(models[0].at("folder_bytes").get<int64_t>(), 1000000);
  for (const base::Json& model : models) {
    EXPECT_EQ(model.at("forms").empty(), model.at("repository").is_null());
    EXPECT_GT(model.at("parameters_billion").get<double>(), 0);
  }
}

TEST(Models, SayWhichPublishedFormsCanBeLoaded) {
  const base::Json models = base::parse_json(run({"--json", "models"}), "stdout").at("models");
  for (const base::Json& model : models) {
    if (model.at("name") != "qwen3-vl-8b") continue;
    EXPECT_GT(model.at("forms").size(), 2u);
    EXPECT_EQ(model.at("forms").back().at("huggingface"), "Qwen/Qwen3-VL-8B-Instruct");
    EXPECT_TRUE(model.at("forms").back().at("loads"));
    return;
  }
  FAIL() << "no qwen3-vl-8b";
}

TEST(Models, TheTableNamesEveryModelOnALineOfItsOwn) {
  const std::string table = run({"models"});
  for (const char* name : {"\ndemo-llava ", "\nqwen3-vl-8b ", "\nllava-1.5-7b "})
    EXPECT_THAT(table, HasSubstr(name));
  EXPECT_THAT(table, HasSubstr("visavis pull llava-1.5-7b ("));
}

}  // namespace
}  // namespace visavis::cli
