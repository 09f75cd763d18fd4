#include "engine/ops/cpu/ceilings.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/threads.h"
#include "engine/ops/cpu/features.h"
#include "engine/tensor/buffer.h"

namespace visavis::ops {
namespace {

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

constexpr CeilingLoops kPlain = {
    .read = read_plain, .multiply = multiply_plain, .flops_per_round = 16};

const CeilingLoops& best_loops() {
  const CpuFeatures cpu = detect_cpu_features();
  if (cpu.avx512 && ceiling_loops_avx512() != nullptr) return *ceiling_loops_avx512();
  if (cpu.avx2 && ceiling_loops_avx2() != nullptr) return *ceiling_loops_avx2();
  return kPlain;
}

// The shortest of several runs of body(thread) on all threads, in seconds.
template <class Body>
double best_seconds(base::ThreadPool& pool, int runs, const Body& body) {
  double best = 1e30;
  for (int run = 0; run < runs; ++run) {
    const auto start = std::chrono::steady_clock::now();
    pool.parallel_for(pool.threads(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t thread = begin; thread < end; ++thread) body(thread);
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
  }
  return best;
}

}  // namespace

CpuCeilings measure_cpu_ceilings(int threads) {
  base::ThreadPool pool(threads);
  const CeilingLoops& loops = best_loops();
  const int64_t count = pool.threads();
  std::vector<float> results(static_cast<size_t>(count));

  constexpr int64_t kBytes = int64_t{512} << 20;
  const int64_t share = kBytes / count / 4096 * 4096;
  tensor::Buffer memory = tensor::Buffer::host(kBytes);
  std::fill_n(memory.as<float>(), kBytes / 4, 1.0f);
  const double read_seconds = best_seconds(pool, 5, [&](int64_t thread) {
    results[static_cast<size_t>(thread)] +=
        loops.read(memory.as<float>() + thread * share / 4, share);
  });

  constexpr int64_t kRounds = 2'000'000;
  const double multiply_seconds = best_seconds(pool, 5, [&](int64_t thread) {
    float& result = results[static_cast<size_t>(thread)];
    result += loops.multiply(kRounds, result * 1e-30f);
  });
  return {.bytes_per_second = static_cast<double>(share * count) / read_seconds,
          .flops_per_second =
              static_cast<double>(kRounds * loops.flops_per_round * count) / multiply_seconds};
}

}  // namespace visavis::ops
