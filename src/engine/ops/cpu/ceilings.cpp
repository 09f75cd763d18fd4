#include "engine/ops/cpu/ceilings.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "base/threads.h"
#include "engine/ops/cpu/features.h"
#include "engine/tensor/buffer.h"

namespace visavis::ops {
namespace {

constexpr double kPassSeconds = 0.1;
constexpr int kPasses = 4;  // of each loop
constexpr int64_t kHugePage = int64_t{2} << 20;

float read_plain(const float* data, int64_t bytes) {
  float acc[8] = {};
  for (int64_t k = 0; k < bytes / 4; k += 8)
    for (int i = 0; i < 8; ++i) acc[i] += data[k + i];
  return acc[0] + acc[1] + acc[2] + acc[3] + acc[4] + acc[5] + acc[6] + acc[7];
}

float multiply_plain(int64_t rounds, float start) {
  float acc[8] = {start};
  for (int64_t k = 0; k < rounds; ++k)
    for (int i = 0; i < 8; ++i) acc[i] = acc[i] * 0.999f + start;
  return acc[0] + acc[1] + acc[2] + acc[3] + acc[4] + acc[5] + acc[6] + acc[7];
}

float dot_bytes_plain(int64_t rounds, float start) {
  uint32_t acc[8] = {};
  const auto factor = static_cast<int8_t>(start + 3);
  for (int64_t k = 0; k < rounds; ++k)
    for (uint32_t i = 0; i < 8; ++i)
      acc[i] += static_cast<uint32_t>(static_cast<uint8_t>(acc[i] + i) * factor);
  return static_cast<float>(acc[0] ^ acc[1] ^ acc[2] ^ acc[3] ^ acc[4] ^ acc[5] ^ acc[6] ^ acc[7]);
}

constexpr ReadLoop kPlainReads[] = {read_plain};
constexpr CeilingLoops kPlain = {
    .reads = kPlainReads,
    .multiply = {.name = "plain", .run = multiply_plain, .ops_per_round = 16}};
constexpr RateLoop kPlainInt8 = {.name = "plain", .run = dot_bytes_plain, .ops_per_round = 16};

const CeilingLoops& best_loops(const CpuFeatures& cpu) {
  if (cpu.avx512 && ceiling_loops_avx512() != nullptr) return *ceiling_loops_avx512();
  if (cpu.avx2 && ceiling_loops_avx2() != nullptr) return *ceiling_loops_avx2();
  return kPlain;
}

// Every instruction that this CPU multiplies bytes with; the wider one need not be the faster one.
std::vector<RateLoop> int8_loops(const CpuFeatures& cpu) {
  std::vector<RateLoop> loops;
  const auto add = [&loops](bool offered, const RateLoop* loop) {
    if (offered && loop != nullptr) loops.push_back(*loop);
  };
  add(cpu.avx512_vnni, int8_loop_avx512vnni());
  add(cpu.avx_vnni, int8_loop_avxvnni());
  if (loops.empty()) add(cpu.avx2, int8_loop_avx2());
  if (loops.empty()) loops.push_back(kPlainInt8);
  return loops;
}

// How long body(thread) takes on all threads at once.
template <class Body>
double seconds_of(base::ThreadPool& pool, const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  pool.parallel_for(pool.threads(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t thread = begin; thread < end; ++thread) body(thread);
  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return seconds.count();
}

// How often something that takes `seconds` must be done to take `wanted` seconds.
int64_t repeats_for(double seconds, double wanted) {
  return static_cast<int64_t>(wanted / std::max(seconds, 1e-6)) + 1;
}

// Operations per second of each loop's best pass. The loops take turns, so that a disturbance of a
// few tenths of a second cannot hide one of them.
std::vector<double> best_rates(base::ThreadPool& pool, const std::vector<RateLoop>& loops) {
  std::vector<float> results(static_cast<size_t>(pool.threads()));
  const auto pass = [&](const RateLoop& loop, int64_t rounds) {
    return seconds_of(pool, [&](int64_t thread) {
      float& result = results[static_cast<size_t>(thread)];
      result += loop.run(rounds, result * 1e-30f);
    });
  };
  constexpr int64_t kTrial = 100'000;
  std::vector<int64_t> rounds;
  for (const RateLoop& loop : loops)
    rounds.push_back(kTrial * repeats_for(pass(loop, kTrial), kPassSeconds));
  std::vector<double> best(loops.size());
  for (int turn = 0; turn < kPasses; ++turn) {
    for (size_t i = 0; i < loops.size(); ++i) {
      const auto ops = static_cast<double>(rounds[i] * loops[i].ops_per_round * pool.threads());
      best[i] = std::max(best[i], ops / pass(loops[i], rounds[i]));
    }
  }
  return best;
}

// Far more than the caches, even if every thread has one of its own; a sixteenth of the memory at
// most.
int64_t read_bytes(int threads) {
  const int64_t memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
  const int64_t caches = threads * std::max<int64_t>(0, sysconf(_SC_LEVEL3_CACHE_SIZE));
  return std::max(int64_t{64} << 20,
                  std::min(memory / 16, std::max(int64_t{512} << 20, 2 * caches)));
}

}  // namespace

Ceilings measure_cpu_ceilings(int threads) {
  base::ThreadPool pool(threads);
  const CpuFeatures cpu = detect_cpu_features();
  const CeilingLoops& loops = best_loops(cpu);
  Ceilings found;
  found.bytes_per_second = ReadCeiling(threads).measure(kPasses, kPassSeconds);

  std::vector<RateLoop> timed = {loops.multiply};
  for (const RateLoop& loop : int8_loops(cpu)) timed.push_back(loop);
  const size_t int8_end = timed.size();
  const RateLoop* bf16 = bf16_loop_avx512bf16();
  if (cpu.avx512_bf16 && bf16 != nullptr) timed.push_back(*bf16);
  const std::vector<double> rates = best_rates(pool, timed);
  found.flops_per_second = rates[0];
  for (size_t i = 1; i < int8_end; ++i) {
    if (rates[i] <= found.int8_ops_per_second) continue;
    found.int8_ops_per_second = rates[i];
    found.int8_instruction = timed[i].name;
  }
  if (rates.size() > int8_end) found.bf16_flops_per_second = rates.back();
  return found;
}

struct ReadCeiling::Memory {
  base::ThreadPool pool;
  std::span<const ReadLoop> loops;
  int64_t share;  // of one thread, in bytes
  tensor::Buffer buffer;
  float* values = nullptr;
  std::vector<float> results;

  explicit Memory(int threads)
      : pool(threads),
        loops(best_loops(detect_cpu_features()).reads),
        share(read_bytes(pool.threads()) / pool.threads() / kReadBytes * kReadBytes),
        buffer(tensor::Buffer::host(share * pool.threads() + kHugePage)),
        results(static_cast<size_t>(pool.threads())) {
    const auto address = reinterpret_cast<uintptr_t>(buffer.data());
    const auto past = static_cast<int64_t>(address % static_cast<uintptr_t>(kHugePage));
    std::byte* data = buffer.data() + (kHugePage - past);
    // Only a request: with small pages the ceiling is what small pages allow.
    madvise(data, static_cast<size_t>(share * pool.threads()), MADV_HUGEPAGE);
    values = reinterpret_cast<float*>(data);
    seconds_of(pool, [&](int64_t thread) { std::fill_n(begin_of(thread), share / 4, 1.0f); });
  }

  float* begin_of(int64_t thread) { return values + thread * share / 4; }

  double seconds_of_sweeps(ReadLoop read, int64_t sweeps) {
    return seconds_of(pool, [&](int64_t thread) {
      for (int64_t i = 0; i < sweeps; ++i)
        results[static_cast<size_t>(thread)] += read(begin_of(thread), share);
    });
  }
};

ReadCeiling::ReadCeiling(int threads) : memory_(std::make_unique<Memory>(threads)) {}
ReadCeiling::~ReadCeiling() = default;

int64_t ReadCeiling::bytes() const { return memory_->buffer.bytes(); }

double ReadCeiling::measure(int passes, double pass_seconds) {
  const int64_t sweeps =
      repeats_for(memory_->seconds_of_sweeps(memory_->loops[0], 1), pass_seconds);
  const auto bytes = static_cast<double>(memory_->share * memory_->pool.threads() * sweeps);
  double best = 0;
  for (int i = 0; i < passes; ++i)
    for (const ReadLoop read : memory_->loops)
      best = std::max(best, bytes / memory_->seconds_of_sweeps(read, sweeps));
  return best;
}

double CpuCeilingProbe::read_rate() {
  constexpr int kPasses = 2;
  constexpr double kPassSeconds = 0.03;
  if (reads_ == nullptr) reads_ = std::make_unique<ReadCeiling>(threads_);
  return reads_->measure(kPasses, kPassSeconds);
}

}  // namespace visavis::ops
