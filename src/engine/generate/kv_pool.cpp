#include "engine/generate/kv_pool.h"

namespace visavis::generate {
namespace {

int64_t pages_of(const models::Limits& limits) {
  return limits.batch * KvPool::pages_for(limits.context);
}

int64_t half_layer_bytes(const models::Dimensions& dimensions, const models::Limits& limits) {
  return pages_of(limits) * dimensions.kv_heads * KvPool::kPageSize * dimensions.head_dim *
         tensor::size_of(limits.kv);
}

}  // namespace

int64_t KvPool::bytes(const models::Dimensions& dimensions, const models::Limits& limits) {
  return 2 * dimensions.layers * half_layer_bytes(dimensions, limits);
}

KvPool::KvPool(ops::Ops& ops, const models::Dimensions& dimensions, const models::Limits& limits)
    : pages_(pages_of(limits)) {
  const int64_t pages = pages_of(limits);
  const tensor::Shape shape{pages, dimensions.kv_heads, kPageSize, dimensions.head_dim};
  const auto half = [&] {
    buffers_.push_back(ops.allocate(half_layer_bytes(dimensions, limits)));
    return tensor::MutView{limits.kv, shape, buffers_.back().data()};
  };
  for (int64_t layer = 0; layer < dimensions.layers; ++layer) {
    const tensor::MutView k = half();
    const tensor::MutView v = half();
    layers_.push_back({.dtype = limits.kv,
                       .pages = pages,
                       .page_size = kPageSize,
                       .kv_heads = dimensions.kv_heads,
                       .head_dim = dimensions.head_dim,
                       .k = k,
                       .v = v});
  }
}

}  // namespace visavis::generate
