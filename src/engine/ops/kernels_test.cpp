// The kernel tables: names, the plain last row, forcing a kernel by name.
#include "engine/ops/cpu/kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/ops/cpu/linear_dot.h"
#include "engine/ops/cpu/linear_simd.h"

namespace visavis::ops {
namespace {

// Sets VISAVIS_KERNEL for one test.
class ForcedKernel {
 public:
  explicit ForcedKernel(const char* name) { setenv("VISAVIS_KERNEL", name, 1); }
  ForcedKernel(const ForcedKernel&) = delete;
  ForcedKernel& operator=(const ForcedKernel&) = delete;
  ~ForcedKernel() { unsetenv("VISAVIS_KERNEL"); }
};

std::map<std::string, std::vector<KernelRow>> tables() {
  std::map<std::string, std::vector<KernelRow>> result;
  for (const KernelRow& row : cpu_kernels()) result[row.operation].push_back(row);
  return result;
}

TEST(KernelTables, EndWithThePlainReferenceAndNameEachRowOnce) {
  for (const auto& [operation, rows] : tables()) {
    EXPECT_EQ(rows.back().name, "plain") << operation;
    EXPECT_TRUE(rows.back().supported) << operation;
    std::set<std::string> names;
    for (const KernelRow& row : rows) EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
}

TEST(KernelTables, ChooseTheFirstSupportedRowOfEachOperation) {
  for (const auto& [operation, rows] : tables()) {
    bool seen = false;
    for (const KernelRow& row : rows) {
      EXPECT_EQ(row.chosen, row.supported && !seen) << operation << " " << row.name;
      seen = seen || row.supported;
    }
  }
}

TEST(KernelTables, FollowTheEnvironmentVariable) {
  const ForcedKernel forced("plain");
  for (const KernelRow& row : cpu_kernels()) EXPECT_EQ(row.chosen, row.name == "plain");
  EXPECT_EQ(make_cpu_ops({.threads = 1})->description(), "cpu (plain, 1 thread)");
}

TEST(KernelTables, RefuseAnUnknownNameAndListTheKnownOnes) {
  const ForcedKernel forced("avx1024");
  try {
    make_cpu_ops({.threads = 1});
    FAIL() << "'avx1024' was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("'avx1024'"));
    EXPECT_THAT(error.what(), testing::HasSubstr("plain"));
    EXPECT_THAT(error.what(), testing::HasSubstr("avx2"));
  }
}

TEST(KernelTables, NeverChooseWhatTheCpuLacks) {
  const KernelFilter old_cpu{.cpu = {.avx2 = false, .avx512 = false}, .forced = {}};
  EXPECT_EQ(choose(rope_kernels(), old_cpu, RopeArgs{}).name, "plain");
  EXPECT_THROW(check_kernel_name("avx512", {.avx2 = true, .avx512 = false}), Error);
}

TEST(KernelTables, NameTheBestInstructionsOfTheCpu) {
  const auto best = [](const CpuFeatures& cpu) {
    return best_kernel_name({.cpu = cpu, .forced = {}});
  };
  EXPECT_EQ(best({}), "plain");
  EXPECT_EQ(best({.avx2 = true}), linear_simd_avx2() == nullptr ? "plain" : "avx2");
  EXPECT_EQ(best({.neon_dot = true}), dot_simd_neon() == nullptr ? "plain" : "neon_dot");
}

}  // namespace
}  // namespace visavis::ops
