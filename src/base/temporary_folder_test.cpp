#include "base/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace visavis::base {
namespace {

namespace fs = std::filesystem;

TEST(TemporaryFolder, IsEmptyItsOwnAndGoneAfterwards) {
  fs::path first;
  {
    const TemporaryFolder one, other;
    first = one.path();
    EXPECT_NE(one.path(), other.path());
    EXPECT_TRUE(fs::is_directory(first));
    EXPECT_TRUE(fs::is_empty(first));
    fs::create_directory(first / "inner");
    std::ofstream(first / "inner/file") << "x";
  }
  EXPECT_FALSE(fs::exists(first));
}

}  // namespace
}  // namespace visavis::base
