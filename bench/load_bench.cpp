// How fast weights are made from stored values, on one thread: the search for 4-bit scales in every
// build that this CPU runs, and what precedes it.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/rng.h"
#include "engine/load/quantize.h"
#include "engine/load/widen.h"

namespace visavis {
namespace {

constexpr int64_t kCols = 4096;
constexpr int64_t kRows = 64;

std::vector<uint16_t> stored_rows() {
  base::Rng rng(1);
  std::vector<uint16_t> stored(static_cast<size_t>(kRows * kCols));
  for (uint16_t& value : stored) {
    const double radius = std::sqrt(-2 * std::log(rng.uniform() + 1e-300));
    const double normal = radius * std::cos(6.283185307179586 * rng.uniform());
    value = tensor::to_bf16(static_cast<float>(0.02 * normal)).bits;
  }
  return stored;
}

void widen_rows(benchmark::State& state) {
  const std::vector<uint16_t> stored = stored_rows();
  std::vector<float> row(kCols);
  for (auto _ : state)
    for (int64_t r = 0; r < kRows; ++r) {
      const auto* from = reinterpret_cast<const std::byte*>(stored.data() + r * kCols);
      benchmark::DoNotOptimize(load::widen(tensor::DType::bf16, from, kCols, row.data()));
      benchmark::ClobberMemory();
    }
  state.SetItemsProcessed(state.iterations() * kRows * kCols);
}

void quantize_rows(benchmark::State& state, const load::FitKernel* kernel) {
  const std::vector<uint16_t> stored = stored_rows();
  std::vector<float> values(stored.size());
  if (!load::widen(tensor::DType::bf16, reinterpret_cast<const std::byte*>(stored.data()),
                   kRows * kCols, values.data()))
    state.SkipWithError("the values are not finite");
  std::vector<uint8_t> codes(kCols / 2);
  std::vector<tensor::F16> scales(kCols / 128);
  for (auto _ : state)
    for (int64_t r = 0; r < kRows; ++r) {
      const std::span row = std::span(values).subspan(static_cast<size_t>(r * kCols), kCols);
      benchmark::DoNotOptimize(
          load::quantize_int4_row(row, 128, codes.data(), scales.data(), *kernel));
      benchmark::ClobberMemory();
    }
  state.SetItemsProcessed(state.iterations() * kRows * kCols);
}

}  // namespace
}  // namespace visavis

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("widen bf16", visavis::widen_rows);
  for (const auto& kernel : visavis::load::fit_kernels()) {
    const std::string name = "int4 g128 " + std::string(kernel.name);
    if (kernel.supported())
      benchmark::RegisterBenchmark(name.c_str(), visavis::quantize_rows, &kernel);
  }
  benchmark::RunSpecifiedBenchmarks();
}
