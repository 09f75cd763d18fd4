#include "engine/ops/cpu/ceilings.h"

#include <gtest/gtest.h>

#include "engine/ops/cpu/features.h"

namespace visavis::ops {
namespace {

TEST(CpuFeatures, TheSpecialSetsComeWithTheirBases) {
  const CpuFeatures cpu = detect_cpu_features();
  EXPECT_TRUE(cpu.avx2 || !(cpu.avx512 || cpu.avx_vnni));
  EXPECT_TRUE(cpu.avx512 || !(cpu.avx512_vnni || cpu.avx512_bf16));
}

TEST(Ceilings, EveryRateThatThisCpuHasIsMeasured) {
  const Ceilings found = measure_cpu_ceilings(1);
  EXPECT_GT(found.bytes_per_second, 1e8);
  EXPECT_GT(found.flops_per_second, 1e7);
  EXPECT_GT(found.int8_ops_per_second, 1e7);
  EXPECT_FALSE(found.int8_instruction.empty());
  // An instruction multiplies four times as many bytes, twice as many bf16, as f32: more would be
  // chains that the compiler made into one. Twice that leaves room for a busy machine.
  EXPECT_LT(found.int8_ops_per_second, 8 * found.flops_per_second);
  EXPECT_LT(found.bf16_flops_per_second, 4 * found.flops_per_second);
  EXPECT_EQ(found.bf16_flops_per_second > 0,
            detect_cpu_features().avx512_bf16 && bf16_loop_avx512bf16() != nullptr);
}

// A loop that the compiler shortened would look faster than its instruction can be.
TEST(Ceilings, ByteLoopsDoEveryRound) {
  const CpuFeatures cpu = detect_cpu_features();
  const auto expect_sum = [](const RateLoop* loop, float lanes) {
    if (loop == nullptr) return;
    EXPECT_EQ(loop->run(10, 0), 10 * lanes) << loop->name;
  };
  // One round adds lanes x (1 x 3 for each of 4 bytes); the loop of avx2 takes 1, 2, ... 8.
  if (cpu.avx512_vnni) expect_sum(int8_loop_avx512vnni(), 12 * 16 * 4 * 3);
  if (cpu.avx_vnni) expect_sum(int8_loop_avxvnni(), 12 * 4 * 3);
  if (cpu.avx2) expect_sum(int8_loop_avx2(), 8 * 4 * 3 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8));
}

}  // namespace
}  // namespace visavis::ops
