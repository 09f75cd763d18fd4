// Memory of one device and the ways in and out: counted allocations, a ring of pinned memory
// through which uploads go while the host works on, pinned room for downloads, scratch for kernels.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/threads.h"
#include "engine/ops/cuda/args.h"
#include "engine/tensor/buffer.h"

namespace visavis::ops::cuda {

/// What is held and the most that was. Shared with the buffers, which may outlive the Ops.
struct Counters {
  int64_t limit = 0;  // of allocated; 0: none
  int64_t allocated = 0;
  int64_t peak = 0;
  int64_t pinned = 0;
};

/// Device memory of its own. Throws Error with the numbers if there is not enough.
tensor::Buffer allocate_device(int64_t bytes, int device,
                               const std::shared_ptr<Counters>& counters);
/// Pinned host memory. Throws Error.
tensor::Buffer allocate_pinned(int64_t bytes, int device,
                               const std::shared_ptr<Counters>& counters);

/// A copy in host memory that kernels read in place. Throws Error.
tensor::Buffer copy_for_kernels(const tensor::Buffer& from, int device,
                                const std::shared_ptr<Counters>& counters, base::ThreadPool& pool);

/// Copies between host buffers, large ones with the pool's threads.
void copy_on_host(const std::byte* from, int64_t bytes, std::byte* to, base::ThreadPool& pool);

/// Cuts buffers out of large allocations, since the driver rounds each of them up to megabytes. A
/// slab is freed when all its buffers are.
class Slabs {
 public:
  Slabs(int device, std::shared_ptr<Counters> counters)
      : device_(device), counters_(std::move(counters)) {}
  /// As allocate_device().
  tensor::Buffer allocate(int64_t bytes);
  /// Makes the next slab `bytes` large, for buffers of any size. Throws as allocate_device().
  void reserve(int64_t bytes);

 private:
  static constexpr int64_t kSlabBytes = int64_t{32} << 20;
  static constexpr int64_t kAlign = 256;

  int device_;
  std::shared_ptr<Counters> counters_;
  std::shared_ptr<tensor::Buffer> unused_;  // reserved
  std::weak_ptr<tensor::Buffer> slab_;      // the last one; its buffers keep it
  int64_t used_ = 0;                        // of either
};

/// One stream that waits for no other.
class Stream {
 public:
  Stream() {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(stream_); }
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// Pinned blocks taken in turn: a block is filled again once the copies out of it are done.
class StagingRing {
 public:
  StagingRing(cudaStream_t stream, int device, const std::shared_ptr<Counters>& counters,
              base::ThreadPool& pool);
  ~StagingRing();
  StagingRing(const StagingRing&) = delete;
  StagingRing& operator=(const StagingRing&) = delete;

  /// Queues a copy to device memory; `from` may be changed when this returns.
  void upload(const std::byte* from, int64_t bytes, std::byte* to);
  /// Waits for everything queued before and copies to host memory.
  void download(const std::byte* from, int64_t bytes, std::byte* to);

 private:
  static constexpr int kBlocks = 4;
  static constexpr int64_t kBlockBytes = int64_t{8} << 20;

  std::byte* block(int i) { return pinned_.data() + i * kBlockBytes; }
  void next_block();

  cudaStream_t stream_;
  base::ThreadPool& pool_;
  tensor::Buffer pinned_;
  std::array<cudaEvent_t, kBlocks> sent_{};
  int current_ = 0;
  int64_t used_ = 0;  // of the current block
};

/// Scratch by slots, each as large as was asked for at most.
class DeviceScratch final : public Scratch {
 public:
  DeviceScratch(cudaStream_t stream, int device, std::shared_ptr<Counters> counters)
      : stream_(stream), device_(device), counters_(std::move(counters)) {}
  void* take(int slot, size_t bytes) override;
  /// How often a slot has moved.
  int64_t generation() const { return generation_; }
  int64_t held() const;

 private:
  cudaStream_t stream_;
  int device_;
  std::shared_ptr<Counters> counters_;
  std::array<tensor::Buffer, kScratchSlots> slots_;
  int64_t generation_ = 0;
};

}  // namespace visavis::ops::cuda
