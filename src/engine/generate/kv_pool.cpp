#include "engine/generate/kv_pool.h"

namespace visavis::generate {
namespace {

int64_t pages_of(const models::Limits& limits) {
  return limits.batch * KvPool::pages_for(limits.context);
}

// Positions and heads of one layer: rows of keys, and rows of values.
int64_t rows_of_layer(const models::Dimensions& dimensions, const models::Limits& limits) {
  return pages_of(limits) * dimensions.kv_heads * KvPool::kPageSize;
}

int64_t half_layer_bytes(const models::Dimensions& dimensions, const models::Limits& limits) {
  return rows_of_layer(dimensions, limits) * dimensions.head_dim * tensor::size_of(limits.kv);
}

int64_t scale_bytes(const models::Dimensions& dimensions, const models::Limits& limits) {
  if (limits.kv != tensor::DType::i8) return 0;
  return rows_of_layer(dimensions, limits) * static_cast<int64_t>(sizeof(float));
}

}  // namespace

int64_t KvPool::bytes(const models::Dimensions& dimensions, const models::Limits& limits) {
  return 2 * dimensions.layers *
         (half_layer_bytes(dimensions, limits) + scale_bytes(dimensions, limits));
}

KvPool::KvPool(ops::Ops& ops, const models::Dimensions& dimensions, const models::Limits& limits)
    : pages_(pages_of(limits)) {
  const int64_t pages = pages_of(limits);
  const int64_t heads = dimensions.kv_heads;
  const int64_t dim = dimensions.head_dim;
  const auto take = [&](tensor::DType dtype, const tensor::Shape& shape, int64_t bytes) {
    if (bytes == 0) return tensor::MutView{};
    buffers_.push_back(ops.allocate(bytes));
    return tensor::MutView{dtype, shape, buffers_.back().data()};
  };
  const int64_t half = half_layer_bytes(dimensions, limits);
  const int64_t scales = scale_bytes(dimensions, limits);
  for (int64_t layer = 0; layer < dimensions.layers; ++layer) {
    layers_.push_back({.dtype = limits.kv,
                       .pages = pages,
                       .page_size = kPageSize,
                       .kv_heads = heads,
                       .head_dim = dim,
                       .k = take(limits.kv, {pages, heads, dim, kPageSize}, half),
                       .v = take(limits.kv, {pages, heads, kPageSize, dim}, half),
                       .k_scales = take(tensor::DType::f32, {pages, heads, kPageSize}, scales),
                       .v_scales = take(tensor::DType::f32, {pages, heads, kPageSize}, scales)});
  }
}

}  // namespace visavis::generate
