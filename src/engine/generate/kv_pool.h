// The KV cache of one model: one pair of buffers per layer, cut into pages of kPageSize positions
// that sequences hold while they run. Page 0..pages-1 means the same place in every layer.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/generate/page_ledger.h"
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
  /// Who holds which page.
  PageLedger& pages() { return pages_; }

 private:
  std::vector<tensor::Buffer> buffers_;
  std::vector<ops::KvView> layers_;
  PageLedger pages_;
};

}  // namespace visavis::generate
