#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/verbs.h"

namespace visavis::cli {

void add_kernels(CLI::App& app, int& exit_code);

namespace {

std::string run(const std::string& line) {
  CLI::App app;
  int exit_code = kFailed;
  add_kernels(app, exit_code);
  testing::internal::CaptureStdout();
  app.parse(line);
  EXPECT_EQ(exit_code, kDone);
  return testing::internal::GetCapturedStdout();
}

TEST(Kernels, PrintsOneChosenKernelForEachOperationAsJson) {
  const base::Json all = base::parse_json(run("kernels --json"), "output");
  EXPECT_EQ(all["device"], "cpu");
  EXPECT_GE(all["threads"], 1);
  EXPECT_GE(all["operations"].size(), 8u);
  for (const base::Json& operation : all["operations"]) {
    int chosen = 0;
    for (const base::Json& kernel : operation["kernels"]) {
      chosen += kernel["chosen"].get<bool>() ? 1 : 0;
      EXPECT_LE(kernel["chosen"].get<bool>(), kernel["supported"].get<bool>());
    }
    EXPECT_EQ(chosen, 1) << operation["operation"];
  }
}

TEST(Kernels, PrintsATableForPeople) {
  const std::string text = run("kernels");
  EXPECT_THAT(text, testing::HasSubstr("linear int4"));
  EXPECT_THAT(text, testing::HasSubstr("plain"));
}

}  // namespace
}  // namespace visavis::cli
