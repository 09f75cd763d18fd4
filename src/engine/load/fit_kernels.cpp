// The table of builds. What asks the CPU is compiled here, for every CPU.
#include "engine/load/fit_kernels.h"

#include <algorithm>

namespace visavis::load {

const FitLoops* fit_loops_plain();
const FitLoops* fit_loops_avx2();

namespace {

bool always() { return true; }

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && fit_loops_avx2() != nullptr; }
#else
bool has_avx2() { return false; }
#endif

constexpr FitKernel kKernels[] = {
    {"avx2", &has_avx2, &fit_loops_avx2},
    {"plain", &always, &fit_loops_plain},
};

}  // namespace

std::span<const FitKernel> fit_kernels() { return kKernels; }

const FitKernel& fit_kernel() {
  static const FitKernel& chosen =
      *std::find_if(std::begin(kKernels), std::end(kKernels),
                    [](const FitKernel& kernel) { return kernel.supported(); });
  return chosen;
}

}  // namespace visavis::load
