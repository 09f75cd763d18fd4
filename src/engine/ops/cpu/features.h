// What instructions this CPU and operating system offer, in the steps that the kernels are built
// for. Not a full list of features: machine/ describes the machine for people.
#pragma once

#include <string>
#include <vector>

namespace visavis::ops {

struct CpuFeatures {
  bool avx2 = false;         // AVX2, FMA and F16C
  bool avx512 = false;       // AVX-512 F, BW, DQ and VL, and everything of avx2
  bool avx512_vnni = false;  // avx512 and its 8-bit dot products
  bool avx512_bf16 = false;  // avx512 and its bf16 dot products
  bool avx_vnni = false;     // avx2 and 8-bit dot products of 256 bits
  bool neon_dot = false;     // ARM's 8-bit dot products of 128 bits
};

/// Asks the CPU (cpuid) and the system (whether it saves the wide registers); on ARM the system.
CpuFeatures detect_cpu_features();

/// The names of the instruction sets that matter for speed, for `visavis kernels`.
std::vector<std::string> cpu_feature_names();

/// "AMD EPYC 9B14": the processor's own name, or "unknown CPU".
std::string cpu_name();

}  // namespace visavis::ops
