// References of attention: one query row at a time, its scores in a scratch row, exact softmax.
#include <cmath>
#include <limits>

#include "engine/ops/cpu/kernels.h"

namespace visavis::ops {
namespace {

// Turns scores [count] into weights that add up to 1. Sums in double, in order.
void softmax(float* scores, int64_t count) {
  float largest = -std::numeric_limits<float>::infinity();
  for (int64_t j = 0; j < count; ++j) largest = std::max(largest, scores[j]);
  double sum = 0;
  for (int64_t j = 0; j < count; ++j) {
    scores[j] = std::exp(scores[j] - largest);
    sum += static_cast<double>(scores[j]);
  }
  for (int64_t j = 0; j < count; ++j)
    scores[j] = static_cast<float>(static_cast<double>(scores[j]) / sum);
}

float dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return static_cast<float>(sum);
}

}  // namespace

void segment_attention_plain(const SegmentAttentionArgs& args, CpuContext& context) {
  const int64_t dim = args.head_dim;
  for (int64_t s = 0; s < args.segments; ++s) {
    const int64_t first = args.segment_start[s];
    const int64_t count = args.segment_start[s + 1] - first;
    const auto rows = [&](int64_t begin, int64_t end) {
      Scratch::Lease lease = context.scratch.take(count);
      float* scores = lease.floats();
      for (int64_t item = begin; item < end; ++item) {
        const int64_t token = first + item / args.heads;
        const int64_t head = item % args.heads;
        const float* q = args.q + token * args.stride + head * dim;
        for (int64_t j = 0; j < count; ++j)
          scores[j] = dot(q, args.k + (first + j) * args.stride + head * dim, dim) * args.scale;
        softmax(scores, count);
        float* y = args.y + (token * args.heads + head) * dim;
        std::fill(y, y + dim, 0.0f);
        for (int64_t j = 0; j < count; ++j) {
          const float* v = args.v + (first + j) * args.stride + head * dim;
          for (int64_t d = 0; d < dim; ++d) y[d] += scores[j] * v[d];
        }
      }
    };
    context.pool.parallel_for(count * args.heads, grain_for(2 * count * dim), rows);
  }
}

namespace {

float cached_value(const MutView& cache, int64_t at) {
  if (cache.dtype == DType::f32) return cache.as<float>()[at];
  if (cache.dtype == DType::f16) return tensor::to_float(cache.as<tensor::F16>()[at]);
  return static_cast<float>(cache.as<int8_t>()[at]);
}

// Key or value row of one cached position.
const float* cached_row(const KvView& kv, bool keys, int64_t page, int64_t head, int64_t offset,
                        float* row) {
  const int64_t part = page * kv.kv_heads + head;
  const int64_t position = part * kv.page_size + offset;
  const float scale =
      kv.dtype == DType::i8 ? (keys ? kv.k_scales : kv.v_scales).f32()[position] : 1.0f;
  for (int64_t d = 0; d < kv.head_dim; ++d)
    row[d] = scale * (keys ? cached_value(kv.k, (part * kv.head_dim + d) * kv.page_size + offset)
                           : cached_value(kv.v, position * kv.head_dim + d));
  return row;
}

}  // namespace

void cached_attention_plain(const CachedAttentionArgs& args, CpuContext& context) {
  const StepBatch& batch = *args.batch;
  const KvView& kv = *args.kv;
  const int64_t dim = kv.head_dim;
  const int64_t group = args.heads / kv.kv_heads;
  const int64_t max_pages = batch.page_table.cols();
  for (int64_t s = 0; s < batch.sequences; ++s) {
    const int64_t first = batch.query_start.i32()[s];
    const int64_t queries = batch.query_start.i32()[s + 1] - first;
    const int64_t length = batch.kv_length.i32()[s];
    const int32_t* pages = batch.page_table.i32() + s * max_pages;
    const auto rows = [&](int64_t begin, int64_t end) {
      Scratch::Lease lease = context.scratch.take(length + dim);
      float* scores = lease.floats();
      float* copy = scores + length;
      for (int64_t item = begin; item < end; ++item) {
        const int64_t query = item / args.heads;
        const int64_t head = item % args.heads;
        const int64_t visible = length - queries + query + 1;  // the row itself included
        const float* q = args.q + ((first + query) * args.heads + head) * dim;
        for (int64_t j = 0; j < visible; ++j) {
          const float* k =
              cached_row(kv, true, pages[j / kv.page_size], head / group, j % kv.page_size, copy);
          scores[j] = dot(q, k, dim) * args.scale;
        }
        softmax(scores, visible);
        float* y = args.y + ((first + query) * args.heads + head) * dim;
        std::fill(y, y + dim, 0.0f);
        for (int64_t j = 0; j < visible; ++j) {
          const float* v =
              cached_row(kv, false, pages[j / kv.page_size], head / group, j % kv.page_size, copy);
          for (int64_t d = 0; d < dim; ++d) y[d] += scores[j] * v[d];
        }
      }
    };
    context.pool.parallel_for(queries * args.heads, grain_for(2 * length * dim), rows);
  }
}

}  // namespace visavis::ops
