#include "machine/gpu.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <utility>

namespace visavis::machine {
namespace {

constexpr std::chrono::milliseconds kInterval(20);

// The few declarations of nvml.h that are used; its functions keep their meaning by their names.
using NvmlDevice = void*;
struct NvmlMemory {
  unsigned long long total, free, used;
};
struct NvmlProcess {
  unsigned pid;
  unsigned long long used;
  unsigned gpu_instance, compute_instance;
};

class Nvml {
 public:
  // Null where there is no library, or no card for it.
  static const Nvml* get() {
    static const Nvml nvml;
    return nvml.ready_ ? &nvml : nullptr;
  }

  int (*device_count)(unsigned*) = nullptr;
  int (*device_at)(unsigned, NvmlDevice*) = nullptr;
  int (*device_on_bus)(const char*, NvmlDevice*) = nullptr;
  int (*device_name)(NvmlDevice, char*, unsigned) = nullptr;
  int (*driver_version)(char*, unsigned) = nullptr;
  int (*memory)(NvmlDevice, NvmlMemory*) = nullptr;
  int (*processes)(NvmlDevice, unsigned*, NvmlProcess*) = nullptr;  // may be missing
  // These may be missing, too.
  int (*energy)(NvmlDevice, unsigned long long*) = nullptr;  // millijoules
  int (*clock)(NvmlDevice, unsigned, unsigned*) = nullptr;
  int (*most_clock)(NvmlDevice, unsigned, unsigned*) = nullptr;
  int (*power_limit)(NvmlDevice, unsigned*) = nullptr;  // milliwatts
  // nvmlPciInfo_t: the old bus id, five numbers, then the bus id in full.
  struct Pci {
    char old_bus_id[16];
    std::array<unsigned, 5> numbers;
    char bus_id[32];
    std::array<unsigned, 8> room;
  };
  int (*pci)(NvmlDevice, Pci*) = nullptr;

 private:
  Nvml() {
    void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    int (*init)() = nullptr;
    const auto find = [library](const char* name, auto& function) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    const bool found = find("nvmlInit_v2", init) && find("nvmlDeviceGetCount_v2", device_count) &&
                       find("nvmlDeviceGetHandleByIndex_v2", device_at) &&
                       find("nvmlDeviceGetHandleByPciBusId_v2", device_on_bus) &&
                       find("nvmlDeviceGetName", device_name) &&
                       find("nvmlSystemGetDriverVersion", driver_version) &&
                       find("nvmlDeviceGetPciInfo_v3", pci) &&
                       find("nvmlDeviceGetMemoryInfo", memory);
    find("nvmlDeviceGetComputeRunningProcesses_v3", processes);
    find("nvmlDeviceGetTotalEnergyConsumption", energy);
    find("nvmlDeviceGetClockInfo", clock);
    find("nvmlDeviceGetMaxClockInfo", most_clock);
    find("nvmlDeviceGetEnforcedPowerLimit", power_limit);
    ready_ = found && init() == 0;
  }

  bool ready_ = false;
};

int64_t bytes_of_process(const Nvml& nvml, NvmlDevice device) {
  if (nvml.processes == nullptr) return 0;
  std::array<NvmlProcess, 64> found{};
  auto count = static_cast<unsigned>(found.size());
  if (nvml.processes(device, &count, found.data()) != 0) return 0;
  const auto own = static_cast<unsigned>(getpid());
  for (unsigned i = 0; i < count && i < found.size(); ++i) {
    constexpr auto kUnknown = ~0ULL;
    if (found[i].pid == own && found[i].used != kUnknown)
      return static_cast<int64_t>(found[i].used);
  }
  return 0;
}

}  // namespace

std::vector<GpuFacts> gpu_facts() {
  const Nvml* nvml = Nvml::get();
  unsigned count = 0;
  if (nvml == nullptr || nvml->device_count(&count) != 0) return {};
  std::array<char, 128> text{};
  nvml->driver_version(text.data(), static_cast<unsigned>(text.size()));
  const std::string driver = text.data();
  std::vector<GpuFacts> facts;
  for (unsigned i = 0; i < count; ++i) {
    NvmlDevice device = nullptr;
    Nvml::Pci pci{};
    NvmlMemory memory{};
    if (nvml->device_at(i, &device) != 0 || nvml->pci(device, &pci) != 0) continue;
    text = {};
    nvml->device_name(device, text.data(), static_cast<unsigned>(text.size()));
    nvml->memory(device, &memory);
    facts.push_back({.name = text.data(),
                     .bus_id = pci.bus_id,
                     .driver = driver,
                     .memory_bytes = static_cast<int64_t>(memory.total)});
  }
  return facts;
}

bool same_card(std::string_view a, std::string_view b) {
  for (std::string_view* id : {&a, &b})
    id->remove_prefix(std::min(id->find_first_not_of('0'), id->size()));
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::optional<GpuMemory> gpu_memory(const std::string& bus_id) {
  const Nvml* nvml = Nvml::get();
  NvmlDevice device = nullptr;
  NvmlMemory memory{};
  if (nvml == nullptr || nvml->device_on_bus(bus_id.c_str(), &device) != 0 ||
      nvml->memory(device, &memory) != 0)
    return std::nullopt;
  return GpuMemory{.used = static_cast<int64_t>(memory.used),
                   .process = bytes_of_process(*nvml, device)};
}

std::optional<double> gpu_energy_joules(const std::string& bus_id) {
  const Nvml* nvml = Nvml::get();
  NvmlDevice device = nullptr;
  unsigned long long millijoules = 0;
  if (nvml == nullptr || bus_id.empty() || nvml->energy == nullptr ||
      nvml->device_on_bus(bus_id.c_str(), &device) != 0 || nvml->energy(device, &millijoules) != 0)
    return std::nullopt;
  return static_cast<double>(millijoules) * 1e-3;
}

EnergyMeter::EnergyMeter(std::string bus_id)
    : bus_id_(std::move(bus_id)), before_(gpu_energy_joules(bus_id_)) {}

double EnergyMeter::joules() const {
  const std::optional<double> now = gpu_energy_joules(bus_id_);
  return before_ && now ? *now - *before_ : -1;
}

GpuState gpu_state(const std::string& bus_id) {
  constexpr unsigned kSm = 1;  // nvmlClockType_t
  constexpr unsigned kMemory = 2;
  const Nvml* nvml = Nvml::get();
  NvmlDevice device = nullptr;
  if (nvml == nullptr || nvml->device_on_bus(bus_id.c_str(), &device) != 0) return {};
  const auto clock = [&](auto* function, unsigned type) {
    unsigned mhz = 0;
    return function != nullptr && function(device, type, &mhz) == 0 ? static_cast<int>(mhz) : 0;
  };
  unsigned milliwatts = 0;
  if (nvml->power_limit != nullptr) nvml->power_limit(device, &milliwatts);
  return {.sm_clock_mhz = clock(nvml->clock, kSm),
          .memory_clock_mhz = clock(nvml->clock, kMemory),
          .most_sm_clock_mhz = clock(nvml->most_clock, kSm),
          .most_memory_clock_mhz = clock(nvml->most_clock, kMemory),
          .power_limit_watts = static_cast<double>(milliwatts) * 1e-3};
}

GpuMemorySampler::GpuMemorySampler(std::string bus_id) : bus_id_(std::move(bus_id)) {
  const std::optional<GpuMemory> before = gpu_memory(bus_id_);
  if (!before) return;
  before_ = before->used;
  thread_ = std::thread([this] { sample(); });
}

GpuMemorySampler::~GpuMemorySampler() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

GpuMemory GpuMemorySampler::read() const {
  GpuMemory memory = gpu_memory(bus_id_).value_or(GpuMemory{.used = before_});
  memory.used = std::max<int64_t>(0, memory.used - before_);
  return memory;
}

GpuMemory GpuMemorySampler::now() { return read(); }

GpuMemory GpuMemorySampler::most() {
  const GpuMemory last = read();
  const std::lock_guard lock(mutex_);
  most_ = {std::max(most_.used, last.used), std::max(most_.process, last.process)};
  return most_;
}

void GpuMemorySampler::restart() {
  const std::lock_guard lock(mutex_);
  most_ = {};
}

void GpuMemorySampler::sample() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kInterval, [this] { return stopping_; })) {
    const GpuMemory last = read();
    most_ = {std::max(most_.used, last.used), std::max(most_.process, last.process)};
  }
}

}  // namespace visavis::machine
