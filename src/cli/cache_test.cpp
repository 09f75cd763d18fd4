// Packed weights from the command line: kept, used, refused, shown and removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "cli/data_folders.h"
#include "cli/verbs.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kModel = VISAVIS_GOLDENS_DIR "/models/qwen_wide_heads";

class CacheOptionsTest : public testing::Test {
 protected:
  CacheOptionsTest()
      : folder_(fs::temp_directory_path() / ("visavis_cache_test_" + std::to_string(::getpid()))) {}
  ~CacheOptionsTest() override { fs::remove_all(folder_); }

  struct Output {
    std::string out;
    std::string err;
  };

  Output call(std::vector<std::string> arguments) const {
    CLI::App app;
    int exit_code = -1;
    for (const Verb& verb : verbs()) verb.add(app, exit_code);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    app.parse(arguments);
    std::fflush(stdout);
    EXPECT_EQ(exit_code, kDone);
    return {testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  // Answers and says where the weights came from.
  base::Json answer(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {
        "run", kModel,   "-p",          "What is this?", "--threads",    "2", "--ctx",
        "256", "--json", "--cache-dir", folder_,         "--max-tokens", "6"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return base::parse_json(call(arguments).out, "stdout");
  }

  std::string inspected() const {
    return base::parse_json(call({"inspect", kModel, "--json", "--cache-dir", folder_}).out,
                            "stdout")["cache"]["state"]
        .get<std::string>();
  }

  fs::path only_file() const {
    for (const auto& entry : fs::directory_iterator(folder_)) return entry.path();
    return {};
  }

  fs::path folder_;
};

TEST_F(CacheOptionsTest, TheSecondStartUsesItAndAnswersTheSame) {
  EXPECT_EQ(inspected(), "none");
  const base::Json first = answer({"--cache"});
  const base::Json second = answer({"--cache"});
  EXPECT_EQ(first["loaded_from"], "checkpoint");
  EXPECT_EQ(second["loaded_from"], "cache");
  EXPECT_EQ(second["token_ids"], first["token_ids"]);
  EXPECT_EQ(inspected(), "ready");
}

TEST_F(CacheOptionsTest, NoCacheNeitherReadsNorWrites) {
  EXPECT_EQ(answer({"--no-cache"})["loaded_from"], "checkpoint");
  EXPECT_FALSE(fs::exists(folder_));
  answer({"--cache"});
  EXPECT_EQ(answer({"--no-cache"})["loaded_from"], "checkpoint");
}

TEST_F(CacheOptionsTest, SmallModelsAreKeptOnlyWhenAsked) {
  EXPECT_EQ(answer({})["loaded_from"], "checkpoint");
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(CacheOptionsTest, ADamagedFileIsSaidAndReplaced) {
  answer({"--cache"});
  base::write_file_atomically(only_file(), "not packed weights");
  EXPECT_EQ(inspected(), "refused");
  const std::string said = call({"run", kModel, "-p", "x", "--ctx", "256", "--max-tokens", "2",
                                 "--cache", "--cache-dir", folder_})
                               .err;
  EXPECT_THAT(said, HasSubstr("packed weights not used: "));
  EXPECT_THAT(said, HasSubstr("writing "));
  EXPECT_EQ(answer({})["loaded_from"], "cache");
}

TEST_F(CacheOptionsTest, AFolderThatCannotBeMadeIsOneLineAndTheAnswerComes) {
  base::write_file_atomically(folder_, "in the way");
  const Output output = call({"run", kModel, "-p", "x", "--ctx", "256", "--max-tokens", "2",
                              "--cache", "--cache-dir", folder_ / "below"});
  EXPECT_THAT(output.err, HasSubstr("[no packed weights kept: "));
  EXPECT_NE(output.out, "");
}

TEST_F(CacheOptionsTest, ModelsListsAndRemovesThem) {
  answer({"--cache"});
  const std::string name = only_file().filename();
  EXPECT_THAT(call({"models", "--cache-dir", folder_}).out, HasSubstr("packed weights: " + name));
  EXPECT_THAT(call({"models", "--cache-dir", folder_, "--clear-cache"}).out, HasSubstr("removed"));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST(UserCacheFolder, FollowsTheEnvironment) {
  const std::string home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
  EXPECT_EQ(user_cache_folder(), "/somewhere/visavis");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(user_cache_folder(), "/home/me/.cache/visavis");
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  EXPECT_EQ(user_cache_folder(), "");
  if (!home.empty()) ::setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace visavis::cli
