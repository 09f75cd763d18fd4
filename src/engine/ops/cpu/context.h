// What a CPU kernel gets besides its arguments: threads and scratch memory. Scratch lives as long
// as the Ops and is handed out in whole blocks, so that no kernel allocates in the steady state.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "engine/tensor/buffer.h"

namespace visavis::ops {

/// Blocks of floats that come back when their Lease ends. Thread-safe: loop bodies take their own.
class Scratch {
 public:
  class Lease {
   public:
    Lease(Scratch& owner, tensor::Buffer buffer) : owner_(&owner), buffer_(std::move(buffer)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { owner_->give_back(std::move(buffer_)); }
    float* floats() { return buffer_.as<float>(); }

   private:
    Scratch* owner_;
    tensor::Buffer buffer_;
  };

  /// At least `count` uninitialised floats, aligned to 64 bytes.
  Lease take(int64_t count) { return Lease(*this, find(count * int64_t{sizeof(float)})); }

  /// Bytes in all blocks that are not leased.
  int64_t idle_bytes() {
    const std::lock_guard lock(mutex_);
    int64_t sum = 0;
    for (const tensor::Buffer& block : free_) sum += block.bytes();
    return sum;
  }

 private:
  tensor::Buffer find(int64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      // The smallest block that fits; else the largest idle one is dropped for a new one, so that
      // the number of blocks never exceeds the number of simultaneous leases.
      auto best = free_.end();
      for (auto block = free_.begin(); block != free_.end(); ++block)
        if (block->bytes() >= bytes && (best == free_.end() || block->bytes() < best->bytes()))
          best = block;
      if (best != free_.end()) {
        tensor::Buffer found = std::move(*best);
        free_.erase(best);
        return found;
      }
      const auto largest = std::max_element(
          free_.begin(), free_.end(),
          [](const tensor::Buffer& a, const tensor::Buffer& b) { return a.bytes() < b.bytes(); });
      if (largest != free_.end()) free_.erase(largest);
    }
    return tensor::Buffer::host(bytes);
  }
  void give_back(tensor::Buffer buffer) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffer));
  }

  std::mutex mutex_;
  std::vector<tensor::Buffer> free_;
};

struct CpuContext {
  base::ThreadPool& pool;
  Scratch& scratch;
};

/// Loop items per chunk such that a chunk is worth a thread's while.
inline int64_t grain_for(int64_t work_per_item) {
  constexpr int64_t kWorth = 32768;  // elements touched; about 10 microseconds
  return std::max<int64_t>(1, kWorth / std::max<int64_t>(1, work_per_item));
}

}  // namespace visavis::ops
