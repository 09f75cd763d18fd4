#include "machine/cpu.h"

#include <algorithm>

#include "base/text.h"
#include "base/threads.h"
#include "machine/proc.h"

namespace visavis::machine {
namespace {

// Of the dozens of flags only those that a kernel of ours may ask for; x86 names, then ARM's.
constexpr std::string_view kFeatures[] = {
    "avx2",     "fma",         "f16c",        "avx512f",  "avx512bw", "avx512dq",
    "avx512vl", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16",
    "asimd",    "asimdhp",     "asimddp",     "i8mm",     "bf16",     "sve"};

std::string_view first_of(std::string_view text, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (const auto value = field(text, key); value && !value->empty()) return *value;
  return {};
}

}  // namespace

CpuFacts parse_cpuinfo(std::string_view cpuinfo) {
  CpuFacts facts;
  const std::string_view model = first_of(cpuinfo, {"model name", "Model", "Hardware"});
  facts.model = model.empty() ? "unknown" : std::string(model);
  const std::vector<std::string> flags = base::split(first_of(cpuinfo, {"flags", "Features"}), ' ');
  for (const std::string_view feature : kFeatures)
    if (std::find(flags.begin(), flags.end(), feature) != flags.end())
      facts.features.emplace_back(feature);
  return facts;
}

CpuFacts cpu_facts() {
  CpuFacts facts = parse_cpuinfo(read_proc("/proc/cpuinfo").value_or(""));
  facts.cores = base::available_cpus();
  return facts;
}

MemoryFacts parse_meminfo(std::string_view meminfo) {
  const auto bytes = [&](std::string_view key) {
    return bytes_of(field(meminfo, key).value_or("")).value_or(0);
  };
  return {.total_bytes = bytes("MemTotal"), .available_bytes = bytes("MemAvailable")};
}

MemoryFacts memory_facts() {
  MemoryFacts facts = parse_meminfo(read_proc("/proc/meminfo").value_or(""));
  // Control groups version 2, then 1; "max" and absurdly large numbers mean no limit.
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::string text = read_proc(path).value_or("");
    const auto limit = bytes_of(base::trim(text));
    if (!limit || *limit <= 0 || *limit >= facts.total_bytes) continue;
    facts.total_bytes = *limit;
    facts.available_bytes = std::min(facts.available_bytes, *limit);
  }
  return facts;
}

}  // namespace visavis::machine
