#include "engine/ops/cuda/memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/ops/cuda/device.h"

namespace visavis::ops::cuda {

using tensor::Buffer;

Buffer allocate_device(int64_t bytes, int device, const std::shared_ptr<Counters>& counters) {
  if (bytes == 0) return {};
  use_device(device);
  require(counters->limit == 0 || bytes <= counters->limit - counters->allocated,
          "CUDA: the budget of device ", device, " is used up: wanted ", base::human_bytes(bytes),
          ", this process holds ", base::human_bytes(counters->allocated), " and may hold ",
          base::human_bytes(counters->limit));
  void* data = nullptr;
  const cudaError_t error = cudaMalloc(&data, static_cast<size_t>(bytes));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    const FreeMemory memory = free_memory();
    fail("CUDA: no memory left on device ", device, ": wanted ", base::human_bytes(bytes),
         ", free are ", base::human_bytes(memory.free), " of ", base::human_bytes(memory.total),
         ", this process holds ", base::human_bytes(counters->allocated));
  }
  check(error, "allocating memory");
  counters->allocated += bytes;
  counters->peak = std::max(counters->peak, counters->allocated);
  const std::shared_ptr<void> owner(data, [bytes, device, counters](void* memory) {
    // A destructor has nobody to tell; a device that is lost has lost its memory, too.
    if (cudaSetDevice(device) == cudaSuccess) cudaFree(memory);
    counters->allocated -= bytes;
  });
  return Buffer::adopt(owner, static_cast<std::byte*>(data), bytes, false);
}

Buffer allocate_pinned(int64_t bytes, int device, const std::shared_ptr<Counters>& counters) {
  if (bytes == 0) return {};
  use_device(device);
  void* data = nullptr;
  const cudaError_t error =
      cudaHostAlloc(&data, static_cast<size_t>(bytes), cudaHostAllocMapped | cudaHostAllocPortable);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    fail("CUDA: no pinned host memory left: wanted ", base::human_bytes(bytes));
  }
  check(error, "allocating pinned host memory");
  counters->pinned += bytes;
  const std::shared_ptr<void> owner(data, [bytes, counters](void* memory) {
    cudaFreeHost(memory);
    counters->pinned -= bytes;
  });
  return Buffer::adopt(owner, static_cast<std::byte*>(data), bytes, true);
}

StagingRing::StagingRing(cudaStream_t stream, int device, const std::shared_ptr<Counters>& counters)
    : stream_(stream), pinned_(allocate_pinned(kBlocks * kBlockBytes, device, counters)) {
  for (cudaEvent_t& event : sent_)
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event");
}

StagingRing::~StagingRing() {
  cudaStreamSynchronize(stream_);
  for (cudaEvent_t event : sent_) cudaEventDestroy(event);
}

void StagingRing::next_block() {
  check(cudaEventRecord(sent_[static_cast<size_t>(current_)], stream_), "recording an upload");
  current_ = (current_ + 1) % kBlocks;
  check(cudaEventSynchronize(sent_[static_cast<size_t>(current_)]), "waiting for an upload");
  used_ = 0;
}

void StagingRing::upload(const std::byte* from, int64_t bytes, std::byte* to) {
  constexpr int64_t kAlign = 64;
  while (bytes > 0) {
    // What fits into one block is not cut in two.
    if (used_ + std::min(bytes, kBlockBytes) > kBlockBytes) next_block();
    const int64_t piece = std::min(bytes, kBlockBytes - used_);
    std::byte* staged = block(current_) + used_;
    std::memcpy(staged, from, static_cast<size_t>(piece));
    check(cudaMemcpyAsync(to, staged, static_cast<size_t>(piece), cudaMemcpyHostToDevice, stream_),
          "copying to the device");
    used_ = std::min(kBlockBytes, (used_ + piece + kAlign - 1) / kAlign * kAlign);
    from += piece;
    to += piece;
    bytes -= piece;
  }
}

void StagingRing::download(const std::byte* from, int64_t bytes, std::byte* to) {
  while (bytes > 0) {
    next_block();
    const int64_t piece = std::min(bytes, kBlockBytes);
    std::byte* staged = block(current_);
    check(
        cudaMemcpyAsync(staged, from, static_cast<size_t>(piece), cudaMemcpyDeviceToHost, stream_),
        "copying from the device");
    check(cudaStreamSynchronize(stream_), "waiting for the device");
    std::memcpy(to, staged, static_cast<size_t>(piece));
    from += piece;
    to += piece;
    bytes -= piece;
  }
}

void* DeviceScratch::take(int slot, size_t bytes) {
  Buffer& buffer = slots_[static_cast<size_t>(slot)];
  const auto wanted = static_cast<int64_t>(bytes);
  if (buffer.bytes() < wanted) {
    check(cudaStreamSynchronize(stream_),
          "waiting for the device");  // who still uses the small one
    buffer = Buffer();
    buffer = allocate_device(wanted, device_, counters_);
  }
  return buffer.data();
}

}  // namespace visavis::ops::cuda
