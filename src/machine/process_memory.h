// How much memory this process holds: now, at most since the peak was reset, and at most while
// something ran. Resident pages of mapped files count, as they do for the kernel.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace visavis::machine {

/// Resident bytes now (VmRSS); 0 where the system does not tell.
int64_t resident_bytes();
/// The most resident bytes since the process started or the peak was reset (VmHWM).
int64_t peak_resident_bytes();
/// Starts peak_resident_bytes() anew; false where the system does not permit it.
bool reset_peak_resident();

/// Watches resident_bytes() every 20 ms from a thread of its own, from construction until stop().
/// For peaks of one phase where the kernel's own peak cannot be reset.
class MemorySampler {
 public:
  MemorySampler();
  ~MemorySampler();
  MemorySampler(const MemorySampler&) = delete;
  MemorySampler& operator=(const MemorySampler&) = delete;

  /// Ends the watch and returns the largest sample (one is taken at the start and one at the end).
  int64_t stop();

 private:
  void sample();

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  int64_t largest_ = 0;
  std::thread thread_;
};

}  // namespace visavis::machine
