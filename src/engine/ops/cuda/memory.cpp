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

void copy_on_host(const std::byte* from, int64_t bytes, std::byte* to, base::ThreadPool& pool) {
  constexpr int64_t kPiece = int64_t{1} << 20;
  if (bytes <= kPiece) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
    return;
  }
  pool.parallel_for(bytes, kPiece, [&](int64_t begin, int64_t end) {
    std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin));
  });
}

Buffer copy_for_kernels(const Buffer& from, int device, const std::shared_ptr<Counters>& counters,
                        base::ThreadPool& pool) {
  use_device(device);
  // Filled by several threads and pinned afterwards: much faster than memory that is pinned first.
  auto copy = std::make_shared<Buffer>(Buffer::host(from.bytes()));
  copy_on_host(from.data(), from.bytes(), copy->data(), pool);
  const auto bytes = static_cast<size_t>(from.bytes());
  check(cudaHostRegister(copy->data(), bytes, cudaHostRegisterMapped | cudaHostRegisterPortable),
        "pinning host memory");
  void* there = nullptr;
  check(cudaHostGetDevicePointer(&there, copy->data(), 0), "mapping host memory");
  require(there == copy->data(), "CUDA: device ", device, " sees host memory at other addresses");
  counters->pinned += from.bytes();
  std::byte* data = copy->data();
  const std::shared_ptr<void> owner(data, [copy, counters](void* memory) {
    cudaHostUnregister(memory);
    counters->pinned -= copy->bytes();
  });
  return Buffer::adopt(owner, data, from.bytes(), true);
}

Buffer Slabs::allocate(int64_t bytes) {
  if (bytes == 0) return {};
  const int64_t rounded = (bytes + kAlign - 1) / kAlign * kAlign;
  std::shared_ptr<Buffer> slab = unused_ != nullptr ? std::move(unused_) : slab_.lock();
  if (slab == nullptr || used_ + rounded > slab->bytes()) {
    if (bytes > kSlabBytes / 2) return allocate_device(bytes, device_, counters_);
    slab = std::make_shared<Buffer>(allocate_device(kSlabBytes, device_, counters_));
    used_ = 0;
  }
  slab_ = slab;
  std::byte* data = slab->data() + used_;
  used_ += rounded;
  return Buffer::adopt(slab, data, bytes, false);
}

void Slabs::reserve(int64_t bytes) {
  unused_.reset();
  unused_ = std::make_shared<Buffer>(allocate_device(bytes, device_, counters_));
  used_ = 0;
}

StagingRing::StagingRing(cudaStream_t stream, int device, const std::shared_ptr<Counters>& counters,
                         base::ThreadPool& pool)
    : stream_(stream),
      pool_(pool),
      pinned_(allocate_pinned(kBlocks * kBlockBytes, device, counters)) {
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
    copy_on_host(from, piece, staged, pool_);
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
    copy_on_host(staged, piece, to, pool_);
    from += piece;
    to += piece;
    bytes -= piece;
  }
}

int64_t DeviceScratch::held() const {
  int64_t bytes = 0;
  for (const Buffer& slot : slots_) bytes += slot.bytes();
  return bytes;
}

void* DeviceScratch::take(int slot, size_t bytes) {
  Buffer& buffer = slots_[static_cast<size_t>(slot)];
  const auto wanted = static_cast<int64_t>(bytes);
  if (buffer.bytes() < wanted) {
    check(cudaStreamSynchronize(stream_),
          "waiting for the device");  // who still uses the small one
    buffer = Buffer();
    buffer = allocate_device(wanted, device_, counters_);
    ++generation_;
  }
  return buffer.data();
}

}  // namespace visavis::ops::cuda
