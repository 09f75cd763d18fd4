#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "machine/cpu.h"
#include "machine/proc.h"
#include "machine/process_memory.h"

namespace visavis::machine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kMegabyte = 1 << 20;

TEST(CpuFacts, AreReadFromX86AndArmDescriptions) {
  const CpuFacts x86 = parse_cpuinfo(
      "processor\t: 0\nmodel name\t: AMD EPYC 9354\nflags\t\t: fpu sse2 avx2 avx512f fma\n\n"
      "processor\t: 1\nmodel name\t: another\n");
  EXPECT_EQ(x86.model, "AMD EPYC 9354");
  EXPECT_THAT(x86.features, ElementsAre("avx2", "fma", "avx512f"));
  const CpuFacts arm =
      parse_cpuinfo("processor\t: 0\nFeatures\t: fp asimd asimddp\nModel\t: Raspberry Pi 5\n");
  EXPECT_EQ(arm.model, "Raspberry Pi 5");
  EXPECT_THAT(arm.features, ElementsAre("asimd", "asimddp"));
  EXPECT_EQ(parse_cpuinfo("").model, "unknown");
  EXPECT_THAT(parse_cpuinfo("").features, IsEmpty());
}

TEST(CpuFacts, OfThisMachineArePlausible) {
  const CpuFacts facts = cpu_facts();
  EXPECT_GE(facts.cores, 1);
  EXPECT_FALSE(facts.model.empty());
}

TEST(MemoryFacts, AreInBytes) {
  const MemoryFacts facts =
      parse_meminfo("MemTotal:       24612345 kB\nMemFree: 1 kB\nMemAvailable:   20000000 kB\n");
  EXPECT_EQ(facts.total_bytes, int64_t{24612345} * 1024);
  EXPECT_EQ(facts.available_bytes, int64_t{20000000} * 1024);
  EXPECT_EQ(parse_meminfo("nonsense").total_bytes, 0);
  const MemoryFacts here = memory_facts();
  EXPECT_GT(here.total_bytes, 100 * kMegabyte);
  EXPECT_GT(here.available_bytes, 0);
  EXPECT_LE(here.available_bytes, here.total_bytes);
}

TEST(ProcFiles, NumbersWithoutSenseAreUnknown) {
  EXPECT_EQ(bytes_of("12 kB"), 12288);
  EXPECT_EQ(bytes_of("12"), 12);
  EXPECT_FALSE(bytes_of("max"));
  EXPECT_FALSE(bytes_of(""));
  EXPECT_FALSE(bytes_of("-3 kB"));
  EXPECT_FALSE(bytes_of("9223372036854775807 kB"));
  EXPECT_FALSE(bytes_of("99999999999999999999"));
  EXPECT_FALSE(bytes_of("3 MB"));
  EXPECT_FALSE(field("a: 1\n", "b"));
  EXPECT_FALSE(read_proc("/proc/no such file"));
}

TEST(ProcessMemory, SeesAnAllocationComeAndItsPeakStay) {
  const int64_t before = resident_bytes();
  MemorySampler sampler;
  {
    std::vector<char> block(64 * kMegabyte);
    std::memset(block.data(), 1, block.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    EXPECT_GT(resident_bytes(), before + 32 * kMegabyte);
  }
  EXPECT_GT(sampler.stop(), before + 32 * kMegabyte);
  EXPECT_EQ(sampler.stop(), sampler.stop()) << "a stopped sampler keeps its answer";
  EXPECT_GE(peak_resident_bytes(), resident_bytes());
}

TEST(ProcessMemory, ThePeakCanBeResetWhereTheSystemPermitsIt) {
  // Mapped by hand: an allocator might keep what it is given back.
  constexpr size_t kBytes = 64 * kMegabyte;
  void* block = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(block, MAP_FAILED);
  std::memset(block, 1, kBytes);
  ::munmap(block, kBytes);
  const int64_t before = peak_resident_bytes();
  if (!reset_peak_resident()) GTEST_SKIP() << "/proc/self/clear_refs may not be written here";
  EXPECT_LT(peak_resident_bytes(), before - 32 * kMegabyte);
}

}  // namespace
}  // namespace visavis::machine
