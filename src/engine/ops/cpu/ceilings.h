// What this machine can do at best, measured: the two rates that bound every kernel. Not a
// benchmark of kernels (bench/ops_bench.cpp compares them with these).
#pragma once

#include <cstdint>

namespace visavis::ops {

struct CpuCeilings {
  double bytes_per_second = 0;  // reading memory far larger than the caches, all threads
  double flops_per_second = 0;  // f32 fused multiply-adds from registers, two operations each
};

/// Measures both with `threads` threads (0 = one per CPU); takes about half a second and 512 MB.
CpuCeilings measure_cpu_ceilings(int threads);

/// The loops of one instruction set; null where the compiler does not target it.
struct CeilingLoops {
  /// Reads `bytes` (a multiple of 512) and returns something that depends on all of them.
  float (*read)(const float* data, int64_t bytes);
  /// Runs `rounds` rounds of flops_per_round operations; the result depends on all of them.
  float (*multiply)(int64_t rounds, float start);
  int64_t flops_per_round;
};
const CeilingLoops* ceiling_loops_avx2();
const CeilingLoops* ceiling_loops_avx512();

}  // namespace visavis::ops
