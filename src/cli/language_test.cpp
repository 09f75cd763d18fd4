#include "cli/language.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>

#include "cli/compare.h"

namespace visavis::cli {
namespace {

using testing::HasSubstr;

// CTest runs every case in a process of its own, so that the environment is this test's to change.
void set_locale(const char* all, const char* messages, const char* lang) {
  setenv("LC_ALL", all, 1);
  setenv("LC_MESSAGES", messages, 1);
  setenv("LANG", lang, 1);
}

TEST(Language, IsTheLocales) {
  set_locale("", "", "zh_CN.UTF-8");
  EXPECT_EQ(locale_language(), "zh");
  set_locale("", "en_GB.UTF-8", "zh_CN.UTF-8");
  EXPECT_EQ(locale_language(), "en");
  set_locale("zh_TW", "en_GB.UTF-8", "C");
  EXPECT_EQ(locale_language(), "zh");
  set_locale("", "", "");
  EXPECT_EQ(locale_language(), "en");
}

TEST(Language, OfAReportIsTheExperimentsThenTheLocales) {
  const std::filesystem::path data = std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data";
  set_locale("", "", "zh_CN.UTF-8");
  CompareOptions options;
  options.what = {"fake-a", "fake-b"};
  options.suites = {(data / "suites/tiny").string()};
  EXPECT_EQ(make_experiment(options, {}).lang, "zh");
  options.lang = "en";
  EXPECT_EQ(make_experiment(options, {}).lang, "en");
  set_locale("", "", "en_GB.UTF-8");
  options.what = {(data / "experiments/full.yaml").string()};
  options.lang.reset();
  EXPECT_EQ(make_experiment(options, {data / "suites"}).lang, "zh");
}

TEST(Language, OptionsWinOverTheLocale) {
  set_locale("", "", "zh_CN.UTF-8");
  CLI::App app;
  std::string lang;
  add_language(app, lang);
  EXPECT_EQ(lang, "zh");
  testing::internal::CaptureStdout();
  say(lang, "{} questions\n", "{} 道题\n", 3);
  std::fflush(stdout);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "3 道题\n");
  app.parse(std::vector<std::string>{"en", "--lang"});
  EXPECT_EQ(lang, "en");
}

}  // namespace
}  // namespace visavis::cli
