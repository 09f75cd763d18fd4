// Facts about the processor and the memory of this machine, for reports and for choosing limits.
// Which kernels run is not decided here (ops asks the CPU itself).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::machine {

struct CpuFacts {
  std::string model;                  // "AMD EPYC 9354", or "unknown"
  int cores = 0;                      // that this process may use
  std::vector<std::string> features;  // instruction sets that matter to us: "avx2", "avx512f", ...
};

/// Reads /proc/cpuinfo and the affinity mask; what is not known there stays "unknown" or empty.
CpuFacts cpu_facts();

struct MemoryFacts {
  int64_t total_bytes = 0;      // of the machine, or what the control group allows if that is less
  int64_t available_bytes = 0;  // without swapping, by the kernel's estimate
};

/// Reads /proc/meminfo and the control group's limit; 0 where unknown.
MemoryFacts memory_facts();

/// The parsers behind them, for tests.
CpuFacts parse_cpuinfo(std::string_view cpuinfo);
MemoryFacts parse_meminfo(std::string_view meminfo);

}  // namespace visavis::machine
