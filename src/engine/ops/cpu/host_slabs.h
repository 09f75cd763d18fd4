// Memory for weights and caches of middle size. Alone they would lie in small pages, where looking
// up addresses takes longer than reading what is there: a matrix of 2 MB reads half as fast. So
// they share slabs large enough for the system's huge pages.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "engine/tensor/buffer.h"

namespace visavis::ops {

/// Hands out pieces of slabs one after the other; a slab goes when the last of its pieces does.
class HostSlabs {
 public:
  /// Uninitialised host memory, aligned to 64 bytes. Throws Error if the system has none left.
  tensor::Buffer take(int64_t bytes) {
    // Smaller ones do not matter, larger ones have huge pages of their own.
    constexpr int64_t kSmall = int64_t{64} << 10;
    constexpr int64_t kLarge = int64_t{8} << 20;
    if (bytes < kSmall || bytes >= kLarge) return tensor::Buffer::host(bytes);
    constexpr int64_t kSlab = int64_t{64} << 20;  // what nobody touches takes no memory
    if (slab_ == nullptr || used_ + bytes > slab_->bytes()) {
      slab_ = std::make_shared<tensor::Buffer>(tensor::Buffer::host(kSlab));
      used_ = 0;
    }
    std::byte* data = slab_->data() + used_;
    used_ += tensor::Arena::footprint(bytes);
    return tensor::Buffer::adopt(slab_, data, bytes, true);
  }

 private:
  std::shared_ptr<tensor::Buffer> slab_;
  int64_t used_ = 0;
};

}  // namespace visavis::ops
