// The CPU's ceilings: one loop per instruction set and rate.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/ops/ceilings.h"

namespace visavis::ops {

/// Measures all with `threads` threads (0 = one per CPU), reading with all of them, the rest from
/// registers; takes about three seconds and 0.5 GB.
Ceilings measure_cpu_ceilings(int threads);

/// Only bytes_per_second, any number of times. Holds its memory, bytes(), and its threads until it
/// goes.
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

/// Of `threads` threads; takes memory with the first read_rate().
class CpuCeilingProbe : public CeilingProbe {
 public:
  explicit CpuCeilingProbe(int threads) : threads_(threads) {}
  Ceilings measure() override { return measure_cpu_ceilings(threads_); }
  double read_rate() override;
  int64_t bytes() const override { return reads_ == nullptr ? 0 : reads_->bytes(); }

 private:
  int threads_;
  std::unique_ptr<ReadCeiling> reads_;
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
