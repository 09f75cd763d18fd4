// What this machine can do at best, measured: the rates that bound every kernel. Not a benchmark of
// kernels (bench/ops_bench.cpp and `visavis bench` compare them with these).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace visavis::ops {

/// Operations are multiplications and additions: two for each multiply-add.
struct CpuCeilings {
  double bytes_per_second = 0;       // reading memory far larger than the caches, all threads
  double flops_per_second = 0;       // f32 fused multiply-adds from registers
  double int8_ops_per_second = 0;    // u8 x s8 -> s32 dot products from registers
  double bf16_flops_per_second = 0;  // bf16 x bf16 -> f32 dot products; 0: the CPU has none
  std::string int8_instruction;      // "vpdpbusd, 512 bits"
};

/// Measures all with `threads` threads (0 = one per CPU); takes about three seconds and 0.5 GB.
CpuCeilings measure_cpu_ceilings(int threads);

/// Only bytes_per_second, any number of times: on a machine shared with others it changes within
/// seconds. Holds its memory, bytes(), and its threads until it goes.
class ReadCeiling {
 public:
  explicit ReadCeiling(int threads);
  ReadCeiling(const ReadCeiling&) = delete;
  ReadCeiling& operator=(const ReadCeiling&) = delete;
  ~ReadCeiling();

  /// The best of `passes` passes of each loop, each pass of at least `pass_seconds`.
  double measure(int passes, double pass_seconds);
  int64_t bytes() const;

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

/// Reads `bytes` (a multiple of kReadBytes) and returns something that depends on all of them.
using ReadLoop = float (*)(const float* data, int64_t bytes);
inline constexpr int64_t kReadBytes = 8 * 8 * 64;  // 8 streams of 8 vectors of at most 64 bytes

/// Independent chains of one instruction, from registers.
struct RateLoop {
  const char* name = nullptr;
  /// Runs `rounds` rounds; the result depends on all of them.
  float (*run)(int64_t rounds, float start) = nullptr;
  int64_t ops_per_round = 0;
};

/// The loops of one instruction set.
struct CeilingLoops {
  std::span<const ReadLoop> reads;  // which one is fastest depends on the machine
  RateLoop multiply;                // f32
};
/// Null where the compiler does not target the instruction set.
const CeilingLoops* ceiling_loops_avx2();
const CeilingLoops* ceiling_loops_avx512();
const RateLoop* int8_loop_avx2();
const RateLoop* int8_loop_avxvnni();
const RateLoop* int8_loop_avx512vnni();
const RateLoop* bf16_loop_avx512bf16();

}  // namespace visavis::ops
