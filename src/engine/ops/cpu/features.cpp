#include "engine/ops/cpu/features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <fstream>

namespace visavis::ops {
namespace {

#if defined(__x86_64__)
// clang 14's __builtin_cpu_supports does not know this name. Needs the system to save AVX
// registers, which the builtin has checked for avx.
bool has_f16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __builtin_cpu_supports("avx") && __get_cpuid(1, &a, &b, &c, &d) != 0 &&
         (c & bit_F16C) != 0;
}

// Nor this one: leaf 7, subleaf 1, EAX bit 4.
bool has_avx_vnni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 4)) != 0;
}
#endif

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  found.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  found.avx512 = found.avx2 && __builtin_cpu_supports("avx512f") &&
                 __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl");
  found.avx512_vnni = found.avx512 && __builtin_cpu_supports("avx512vnni");
  found.avx512_bf16 = found.avx512 && __builtin_cpu_supports("avx512bf16");
  found.avx_vnni = found.avx2 && has_avx_vnni();
#elif defined(__aarch64__)
  found.neon_dot = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#endif
  return found;
}

std::vector<std::string> cpu_feature_names() {
  std::vector<std::string> names;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The builtin takes literals only, so this is a list and not a loop.
  if (__builtin_cpu_supports("sse4.2")) names.push_back("sse4.2");
  if (__builtin_cpu_supports("avx")) names.push_back("avx");
  if (__builtin_cpu_supports("avx2")) names.push_back("avx2");
  if (__builtin_cpu_supports("fma")) names.push_back("fma");
  if (has_f16c()) names.push_back("f16c");
  if (__builtin_cpu_supports("avx512f")) names.push_back("avx512f");
  if (__builtin_cpu_supports("avx512bw")) names.push_back("avx512bw");
  if (__builtin_cpu_supports("avx512dq")) names.push_back("avx512dq");
  if (__builtin_cpu_supports("avx512vl")) names.push_back("avx512vl");
  if (__builtin_cpu_supports("avx512vnni")) names.push_back("avx512vnni");
  if (__builtin_cpu_supports("avx512bf16")) names.push_back("avx512bf16");
  if (__builtin_cpu_supports("avx2") && has_avx_vnni()) names.push_back("avxvnni");
#elif defined(__aarch64__)
  const unsigned long system = getauxval(AT_HWCAP);
  if ((system & HWCAP_ASIMD) != 0) names.push_back("asimd");
  if ((system & HWCAP_ASIMDDP) != 0) names.push_back("asimddp");
  if ((system & HWCAP_SVE) != 0) names.push_back("sve");
#endif
  return names;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  while (std::getline(info, line)) {
    if (!line.starts_with("model name")) continue;
    const size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return "unknown CPU";
}

}  // namespace visavis::ops
