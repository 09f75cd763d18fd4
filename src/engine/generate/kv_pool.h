// The KV cache of one model: one pair of buffers per layer, cut into pages of kPageSize positions
// that sequences own while they run. Page 0..pages-1 means the same place in every layer.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/models/model.h"
#include "engine/ops/ops.h"

namespace visavis::generate {

class KvPool {
 public:
  static constexpr int64_t kPageSize = 64;

  /// Allocates everything for `limits.batch` sequences of `limits.context` tokens.
  KvPool(ops::Ops& ops, const models::Dimensions& dimensions, const models::Limits& limits);

  /// Bytes of such a pool.
  static int64_t bytes(const models::Dimensions& dimensions, const models::Limits& limits);
  static int64_t pages_for(int64_t tokens) { return (tokens + kPageSize - 1) / kPageSize; }

  const std::vector<ops::KvView>& layers() const { return layers_; }
  int64_t free_pages() const { return static_cast<int64_t>(free_.size()); }
  /// Takes `count` pages; there must be as many.
  std::vector<int32_t> take(int64_t count);
  void give_back(const std::vector<int32_t>& pages);

 private:
  std::vector<tensor::Buffer> buffers_;
  std::vector<ops::KvView> layers_;
  std::vector<int32_t> free_;
};

}  // namespace visavis::generate
