// The table of builds. What asks the CPU is compiled here, for every CPU.
#include "engine/load/fit_kernels.h"

#include <algorithm>

namespace visavis::load {

void candidates_plain(const float* values, int64_t count, const float* inverse, FitSums& sums);
void with_scale_plain(const float* values, int64_t count, float scale, float inverse,
                      ScaleSums& sums);
void encode_plain(const float* values, int64_t count, float inverse, uint8_t* codes);
void candidates_avx2(const float* values, int64_t count, const float* inverse, FitSums& sums);
void with_scale_avx2(const float* values, int64_t count, float scale, float inverse,
                     ScaleSums& sums);
void encode_avx2(const float* values, int64_t count, float inverse, uint8_t* codes);

namespace {

bool always() { return true; }

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#else
bool has_avx2() { return false; }
#endif

constexpr FitKernel kKernels[] = {
    {"avx2", &has_avx2, &candidates_avx2, &with_scale_avx2, &encode_avx2},
    {"plain", &always, &candidates_plain, &with_scale_plain, &encode_plain},
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
