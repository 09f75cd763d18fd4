// References of attention: a block per query row and head goes through the keys in tiles, keeping
// the largest score, the sum of the weights and the weighted values so far. Tiles begin at
// multiples of their size, so that a row's bits depend on its keys alone.
#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kTile = kThreads;    // keys
constexpr int kMostPerThread = 4;  // values of a head that one thread adds up
constexpr int kMostHeadDim = kThreads * kMostPerThread;

// score(j): q . key j, scaled; value(j, d): dimension d of value j.
template <class Score, class Value>
__device__ void attend(int64_t count, int64_t dim, float* y, Score score, Value value) {
  __shared__ float weights[kTile];
  __shared__ float room[kThreads / kWarp];
  float largest = -INFINITY;
  float total = 0;
  float sum[kMostPerThread] = {};
  for (int64_t begin = 0; begin < count; begin += kTile) {
    const int64_t j = begin + threadIdx.x;
    const float mine = j < count ? score(j) : -INFINITY;
    const float tile_largest = fmaxf(largest, block_max(mine, room));
    const float shrink = expf(largest - tile_largest);
    largest = tile_largest;
    const float weight = j < count ? expf(mine - largest) : 0.0f;
    weights[threadIdx.x] = weight;
    total = total * shrink + block_sum(weight, room);  // the sum's barriers publish the weights
    const int keys = static_cast<int>(min(int64_t{kTile}, count - begin));
#pragma unroll
    for (int part = 0; part < kMostPerThread; ++part) {
      const int64_t d = part * kThreads + threadIdx.x;
      if (d >= dim) continue;
      float added = 0;
      for (int i = 0; i < keys; ++i) added = fmaf(weights[i], value(begin + i, d), added);
      sum[part] = fmaf(sum[part], shrink, added);
    }
    __syncthreads();  // before the next tile's weights
  }
#pragma unroll
  for (int part = 0; part < kMostPerThread; ++part) {
    const int64_t d = part * kThreads + threadIdx.x;
    if (d < dim) y[d] = sum[part] / total;
  }
}

// Copies a query into shared memory for all threads.
__device__ const float* share_query(const float* q, int64_t dim) {
  __shared__ float shared[kMostHeadDim];
  for (int64_t d = threadIdx.x; d < dim; d += kThreads) shared[d] = q[d];
  __syncthreads();
  return shared;
}

// The index of the last start that is not above `token`.
__device__ int64_t owner_of(const int32_t* start, int64_t count, int64_t token) {
  int64_t low = 0;
  int64_t high = count;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (start[middle] <= token)
      low = middle;
    else
      high = middle;
  }
  return low;
}

__global__ void segment_kernel(SegmentAttentionArgs args) {
  const int64_t token = blockIdx.x;
  const int64_t head = blockIdx.y;
  const int64_t dim = args.head_dim;
  if (token < args.segment_start[0] || token >= args.segment_start[args.segments]) return;
  const int64_t segment = owner_of(args.segment_start, args.segments, token);
  const int64_t first = args.segment_start[segment];
  const int64_t count = args.segment_start[segment + 1] - first;
  const float* q = share_query(args.q + token * args.stride + head * dim, dim);
  const float* k = args.k + first * args.stride + head * dim;
  const float* v = args.v + first * args.stride + head * dim;
  attend(
      count, dim, args.y + (token * args.heads + head) * dim,
      [&](int64_t j) {
        float sum = 0;
        for (int64_t d = 0; d < dim; ++d) sum = fmaf(q[d], k[j * args.stride + d], sum);
        return sum * args.scale;
      },
      [&](int64_t j, int64_t d) { return v[j * args.stride + d]; });
}

__device__ float to_float(float value) { return value; }
__device__ float to_float(__half value) { return __half2float(value); }
__device__ float to_float(int8_t value) { return static_cast<float>(value); }

template <class T>
__global__ void cached_kernel(CachedAttentionArgs args) {
  const BatchArgs& batch = args.batch;
  const KvArgs& kv = args.kv;
  const int64_t token = blockIdx.x;
  const int64_t head = blockIdx.y;
  const int64_t dim = kv.head_dim;
  if (token >= batch.query_start[batch.sequences]) return;
  const int64_t sequence = owner_of(batch.query_start, batch.sequences, token);
  const int64_t left = batch.query_start[sequence + 1] - token - 1;  // rows after this one
  const int64_t visible = batch.kv_length[sequence] - left;
  const int32_t* pages = batch.page_table + sequence * batch.max_pages;
  const int64_t kv_head = head / (args.heads / kv.kv_heads);
  const T* keys = static_cast<const T*>(kv.k);
  const T* values = static_cast<const T*>(kv.v);
  const float* q = share_query(args.q + (token * args.heads + head) * dim, dim);
  attend(
      visible, dim, args.y + (token * args.heads + head) * dim,
      [&](int64_t j) {
        const int64_t part = pages[j / kv.page_size] * kv.kv_heads + kv_head;
        const int64_t offset = j % kv.page_size;
        const T* key = keys + part * dim * kv.page_size + offset;
        float sum = 0;
        for (int64_t d = 0; d < dim; ++d) sum = fmaf(q[d], to_float(key[d * kv.page_size]), sum);
        if (sizeof(T) == 1) sum *= kv.k_scales[part * kv.page_size + offset];
        return sum * args.scale;
      },
      [&](int64_t j, int64_t d) {
        const int64_t part = pages[j / kv.page_size] * kv.kv_heads + kv_head;
        const int64_t position = part * kv.page_size + j % kv.page_size;
        const float value = to_float(values[position * dim + d]);
        return sizeof(T) == 1 ? value * kv.v_scales[position] : value;
      });
}

void check_head_dim(int64_t head_dim, const char* what) {
  if (head_dim > kMostHeadDim) check(cudaErrorInvalidValue, what);
}

}  // namespace

void segment_attention_plain(const SegmentAttentionArgs& args, Context& context) {
  if (args.segments < 1 || args.tokens == 0) return;
  check_head_dim(args.head_dim, "segment_attention (plain): heads of more than 512 values");
  const dim3 grid(static_cast<unsigned>(args.tokens), static_cast<unsigned>(args.heads));
  segment_kernel<<<grid, kThreads, 0, context.stream>>>(args);
  launched("segment_attention (plain)");
}

void cached_attention_plain(const CachedAttentionArgs& args, Context& context) {
  if (args.batch.tokens == 0) return;
  check_head_dim(args.kv.head_dim, "cached_attention (plain): heads of more than 512 values");
  const dim3 grid(static_cast<unsigned>(args.batch.tokens), static_cast<unsigned>(args.heads));
  switch (args.kv.type) {
    case KvType::f32:
      cached_kernel<float><<<grid, kThreads, 0, context.stream>>>(args);
      break;
    case KvType::f16:
      cached_kernel<__half><<<grid, kThreads, 0, context.stream>>>(args);
      break;
    case KvType::i8:
      cached_kernel<int8_t><<<grid, kThreads, 0, context.stream>>>(args);
      break;
  }
  launched("cached_attention (plain)");
}

}  // namespace visavis::ops::cuda
