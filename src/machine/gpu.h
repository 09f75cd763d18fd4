// What NVIDIA's management library (NVML) tells of a card: name, driver, memory in use. Loaded
// while the program runs; without it nothing is known, and nothing fails.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace visavis::machine {

struct GpuFacts {
  std::string name;    // "NVIDIA H100 80GB HBM3"
  std::string bus_id;  // "00000000:00:05.0": what identifies a card here and for CUDA
  std::string driver;  // "580.159.04"
  int64_t memory_bytes = 0;
};

/// Whether two PCI bus ids name one card: NVML writes a domain of eight digits, CUDA of four.
bool same_card(std::string_view a, std::string_view b);

/// Every card of this machine; none without the library.
std::vector<GpuFacts> gpu_facts();

struct GpuMemory {
  int64_t used = 0;     // by everybody on the card
  int64_t process = 0;  // by this process; 0 where the library does not tell (containers)
};

/// Of the card with this PCI bus id, now.
std::optional<GpuMemory> gpu_memory(const std::string& bus_id);

/// Joules that the card with this PCI bus id has used since its driver was loaded, everybody's work
/// together; nothing where the library does not tell (cards before Volta).
std::optional<double> gpu_energy_joules(const std::string& bus_id);

/// What a card uses from the construction on.
class EnergyMeter {
 public:
  explicit EnergyMeter(std::string bus_id);
  /// Joules so far, everybody's work on the card together; -1 where nothing is known.
  double joules() const;
  const std::string& bus_id() const { return bus_id_; }

 private:
  std::string bus_id_;
  std::optional<double> before_;
};

/// What may change between two runs on the same card.
struct GpuState {
  int sm_clock_mhz = 0;  // now, and at most; 0: not known
  int memory_clock_mhz = 0;
  int most_sm_clock_mhz = 0;
  int most_memory_clock_mhz = 0;
  double power_limit_watts = 0;
};

/// Zeros where the library does not tell.
GpuState gpu_state(const std::string& bus_id);

/// Watches a card's memory every 20 ms from a thread of its own, from construction until it goes.
/// What was in use at the construction does not count, so make it before the first CUDA call.
class GpuMemorySampler {
 public:
  explicit GpuMemorySampler(std::string bus_id);
  ~GpuMemorySampler();
  GpuMemorySampler(const GpuMemorySampler&) = delete;
  GpuMemorySampler& operator=(const GpuMemorySampler&) = delete;

  /// The most that was in use since the construction or the last restart(), less what was at the
  /// construction; takes a sample. Zeros where nothing is known.
  GpuMemory most();
  /// In use now, less what was at the construction.
  GpuMemory now();
  void restart();
  const std::string& bus_id() const { return bus_id_; }

 private:
  void sample();
  GpuMemory read() const;

  std::string bus_id_;
  int64_t before_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  GpuMemory most_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace visavis::machine
