#include "machine/process_memory.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "machine/proc.h"

namespace visavis::machine {
namespace {

constexpr std::chrono::milliseconds kInterval(20);

int64_t status_bytes(const char* key) {
  const std::string status = read_proc("/proc/self/status").value_or("");
  return bytes_of(field(status, key).value_or("")).value_or(0);
}

}  // namespace

int64_t resident_bytes() { return status_bytes("VmRSS"); }
int64_t peak_resident_bytes() { return status_bytes("VmHWM"); }

bool reset_peak_resident() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;  // proc(5): 5 resets the peak
  return file.good();
}

MemorySampler::MemorySampler() : largest_(resident_bytes()), thread_([this] { sample(); }) {}

MemorySampler::~MemorySampler() { stop(); }

void MemorySampler::sample() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kInterval, [this] { return stopping_; }))
    largest_ = std::max(largest_, resident_bytes());
}

int64_t MemorySampler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    largest_ = std::max(largest_, resident_bytes());
  }
  return largest_;
}

}  // namespace visavis::machine
