// Split-KV attention for generation. A block takes one sequence, one key/value head with all the
// query heads that share it, and a few pages, which it fetches before the kernel before this one
// has ended: only the newest position depends on that. The block that finishes last adds the splits
// up, in the order of the splits whoever it is.
#include "engine/ops/cuda/decode_attention.h"

#include <algorithm>

#include "engine/ops/cuda/launch.cuh"
#include "engine/ops/cuda/ptx.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kThreads = 32 * kWarps;
constexpr int kPage = 64;  // positions; KvPool::kPageSize
constexpr int kStages = 2;
constexpr int kSoftmaxFloats = 4;               // behind a partial result: maximum, sum, two unused
constexpr int kPagePositions = kPage / kWarps;  // of one warp, when values are added up
static_assert(kPage == 64, "a lane takes two positions");

__device__ inline float2 load_two(const float* from) {
  return *reinterpret_cast<const float2*>(from);
}
__device__ inline float2 load_two(const __half* from) {
  return __half22float2(*reinterpret_cast<const __half2*>(from));
}
__device__ inline float2 load_two(const int8_t* from) {
  const char2 two = *reinterpret_cast<const char2*>(from);
  return make_float2(two.x, two.y);
}

__device__ inline void store(float value, float* to) { *to = value; }
__device__ inline void store(float value, __half* to) { *to = __float2half_rn(value); }
__device__ inline void store(float value, int8_t* to) {
  *to = static_cast<int8_t>(__float2int_rn(value));
}

__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int far = 16; far > 0; far /= 2) value += __shfl_xor_sync(~0u, value, far);
  return value;
}
__device__ inline float warp_max(float value) {
#pragma unroll
  for (int far = 16; far > 0; far /= 2) value = fmaxf(value, __shfl_xor_sync(~0u, value, far));
  return value;
}

template <class T, int Dim>
struct Page {
  T k[Dim * kPage];
  T v[kPage * Dim];
  static constexpr int kScales = sizeof(T) == 1 ? kPage : 1;
  alignas(16) float k_scales[kScales];
  alignas(16) float v_scales[kScales];
};

template <class T, int Dim, int Heads>
struct Shared {
  Page<T, Dim> pages[kStages];
  float q[Dim][Heads];
  float weights[kPage][Heads];
  float scores[kWarps][Heads][kPage];
  float correction[Heads];
  float sum[Heads];
  float most[Heads];
  float cosine[Dim / 2];
  float sine[Dim / 2];
  float new_row[2][Dim];  // key and value as the cache holds them
  float new_scale[2];
  int last;
};

template <class T, int Dim>
__device__ void fetch_page(const DecodeAttentionArgs& args, int page, int head, Page<T, Dim>& to) {
  const int64_t part = static_cast<int64_t>(page) * args.kv.kv_heads + head;
  const auto* k = static_cast<const T*>(args.kv.k) + part * Dim * kPage;
  const auto* v = static_cast<const T*>(args.kv.v) + part * Dim * kPage;
  constexpr int kPieces = Dim * kPage * static_cast<int>(sizeof(T)) / 16;
  constexpr int kElements = 16 / static_cast<int>(sizeof(T));
#pragma unroll 4
  for (int i = threadIdx.x; i < kPieces; i += kThreads)
    copy16(to.k + i * kElements, k + i * kElements, true);
#pragma unroll 4
  for (int i = threadIdx.x; i < kPieces; i += kThreads)
    copy16(to.v + i * kElements, v + i * kElements, true);
  if (sizeof(T) == 1 && threadIdx.x < kPage / 4) {
    const int i = static_cast<int>(threadIdx.x) * 4;
    copy16(to.k_scales + i, args.kv.k_scales + part * kPage + i, true);
    copy16(to.v_scales + i, args.kv.v_scales + part * kPage + i, true);
  }
  commit_copies();
}

// A warp's row of Dim floats: normed, then rotated.
template <int Dim>
__device__ inline void norm_and_rotate(float (&row)[Dim / 32], const float* norm, float eps,
                                       const float* cosine, const float* sine) {
  constexpr int kOwn = Dim / 32;
  const int lane = threadIdx.x % 32;
  if (norm != nullptr) {
    float square = 0;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) square += row[i] * row[i];
    const float inverse = rsqrtf(warp_sum(square) / Dim + eps);
#pragma unroll
    for (int i = 0; i < kOwn; ++i) row[i] *= inverse * __ldg(norm + lane * kOwn + i);
  }
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const float partner = __shfl_xor_sync(~0u, row[i], 16);
    const int j = lane % 16 * kOwn + i;
    row[i] = row[i] * cosine[j] + (lane < 16 ? -partner : partner) * sine[j];
  }
}

template <int Dim>
__device__ inline void load_row(const float* from, float (&row)[Dim / 32]) {
  constexpr int kOwn = Dim / 32;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) row[i] = __ldcg(from + threadIdx.x % 32 * kOwn + i);
}

// Rounds a warp's row as the cache does, into shared memory and into the cache.
template <class T, int Dim>
__device__ inline void keep_row(const float (&row)[Dim / 32], T* cache, int64_t stride,
                                float* cache_scale, float* shared_row, float* shared_scale) {
  constexpr int kOwn = Dim / 32;
  const int lane = threadIdx.x % 32;
  float inverse = 1;
  if (sizeof(T) == 1) {
    float most = 0;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) most = fmaxf(most, fabsf(row[i]));
    most = warp_max(most);
    constexpr float kTiny = 1e-35f;  // 127 / most stays finite
    inverse = most > kTiny ? 127.0f / most : 0.0f;
    if (lane == 0) *shared_scale = *cache_scale = most > kTiny ? most / 127.0f : 0.0f;
  }
#pragma unroll
  for (int i = 0; i < kOwn; ++i) {
    const int d = lane * kOwn + i;
    store(row[i] * inverse, cache + d * stride);
    shared_row[d] = row[i] * inverse;
  }
}

// Everything between the projections and the cache: this block's query heads, and in the block of
// the newest page also the new key and value.
template <class T, int Dim, int Heads>
__device__ void prepare_rows(const DecodeAttentionArgs& args, int sequence, int head, bool newest,
                             Shared<T, Dim, Heads>& shared) {
  constexpr int kOwn = Dim / 32;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  for (int item = warp; item < Heads + (newest ? 2 : 0); item += kWarps) {
    float row[kOwn];
    if (item < Heads) {
      const int q_head = head * Heads + item;
      load_row<Dim>(args.q + (static_cast<int64_t>(sequence) * args.heads + q_head) * Dim, row);
      norm_and_rotate<Dim>(row, args.q_norm, args.q_eps, shared.cosine, shared.sine);
#pragma unroll
      for (int i = 0; i < kOwn; ++i) shared.q[lane * kOwn + i][item] = row[i] * args.scale;
      continue;
    }
    const int64_t from = (static_cast<int64_t>(sequence) * args.kv.kv_heads + head) * Dim;
    const int slot = args.batch.slots[sequence];
    const int64_t part = static_cast<int64_t>(slot / kPage) * args.kv.kv_heads + head;
    const int64_t position = part * kPage + slot % kPage;
    if (item == Heads) {
      load_row<Dim>(args.k + from, row);
      norm_and_rotate<Dim>(row, args.k_norm, args.k_eps, shared.cosine, shared.sine);
      keep_row<T, Dim>(row, static_cast<T*>(args.kv.k) + part * Dim * kPage + slot % kPage, kPage,
                       args.kv.k_scales + position, shared.new_row[0], shared.new_scale);
    } else {
      load_row<Dim>(args.v + from, row);
      keep_row<T, Dim>(row, static_cast<T*>(args.kv.v) + position * Dim, 1,
                       args.kv.v_scales + position, shared.new_row[1], shared.new_scale + 1);
    }
  }
}

// One page: scores, softmax so far, values. `own` holds this warp's share of the sums.
template <class T, int Dim, int Heads>
__device__ void add_page(Page<T, Dim>& page, int valid, Shared<T, Dim, Heads>& shared, float& most,
                         float& sum, float (&own)[Heads][Dim / 32]) {
  constexpr int kOwn = Dim / 32;
  constexpr int kDims = Dim / kWarps;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  float score[Heads][2] = {};
#pragma unroll
  for (int i = 0; i < kDims; ++i) {
    const int d = warp * kDims + i;
    const float2 two = load_two(page.k + d * kPage + lane * 2);
#pragma unroll
    for (int h = 0; h < Heads; ++h) {
      score[h][0] += two.x * shared.q[d][h];
      score[h][1] += two.y * shared.q[d][h];
    }
  }
#pragma unroll
  for (int h = 0; h < Heads; ++h)
    *reinterpret_cast<float2*>(&shared.scores[warp][h][lane * 2]) =
        make_float2(score[h][0], score[h][1]);
  __syncthreads();
  if (warp < Heads) {
    float2 total = make_float2(0, 0);
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
      const float2 part = *reinterpret_cast<const float2*>(&shared.scores[w][warp][lane * 2]);
      total.x += part.x;
      total.y += part.y;
    }
    if (sizeof(T) == 1) {
      total.x *= page.k_scales[lane * 2];
      total.y *= page.k_scales[lane * 2 + 1];
    }
    if (lane * 2 >= valid) total.x = -INFINITY;
    if (lane * 2 + 1 >= valid) total.y = -INFINITY;
    const float now = fmaxf(most, warp_max(fmaxf(total.x, total.y)));
    const float correction = __expf(most - now);
    float weight[2] = {__expf(total.x - now), __expf(total.y - now)};
    most = now;
    sum = sum * correction + warp_sum(weight[0] + weight[1]);
    if (sizeof(T) == 1) {
      weight[0] = lane * 2 < valid ? weight[0] * page.v_scales[lane * 2] : 0;
      weight[1] = lane * 2 + 1 < valid ? weight[1] * page.v_scales[lane * 2 + 1] : 0;
    }
    shared.weights[lane * 2][warp] = weight[0];
    shared.weights[lane * 2 + 1][warp] = weight[1];
    if (lane == 0) shared.correction[warp] = correction;
  }
  __syncthreads();
#pragma unroll
  for (int h = 0; h < Heads; ++h)
#pragma unroll
    for (int i = 0; i < kOwn; ++i) own[h][i] *= shared.correction[h];
  // What lies behind the newest position may be anything, so it is not even multiplied by zero.
  const int end = min(valid, (warp + 1) * kPagePositions);
#pragma unroll
  for (int i = 0; i < kPagePositions; ++i) {
    const int position = warp * kPagePositions + i;
    if (position >= end) break;
    float value[kOwn];
#pragma unroll
    for (int j = 0; j < kOwn; j += 2) {
      const float2 two = load_two(page.v + position * Dim + lane * kOwn + j);
      value[j] = two.x;
      value[j + 1] = two.y;
    }
#pragma unroll
    for (int h = 0; h < Heads; ++h)
#pragma unroll
      for (int j = 0; j < kOwn; ++j) own[h][j] += shared.weights[position][h] * value[j];
  }
}

// Adds the splits' partial results of a sequence and key/value head. Each thread reads all it needs
// at once; the splits are dealt to as many threads as there are.
template <int Dim, int Heads>
__device__ void merge_splits(const DecodeAttentionArgs& args, int sequence, int head, int active,
                             float* room) {
  constexpr int kFours = Heads * Dim / 4;
  constexpr int kShares = kThreads / kFours > 0 ? kThreads / kFours : 1;
  static_assert(Heads * Dim % 4 == 0 && kFours <= kThreads);
  const int64_t row = static_cast<int64_t>(sequence) * args.heads + head * Heads;
  const float* partial = args.partial + row * args.splits * (Dim + kSoftmaxFloats);
  // weights[h][s], then sums[h]
  float* weights = room;
  float* sums = room + Heads * active;
  for (int h = threadIdx.x / 32; h < Heads; h += kWarps) {
    const float* of = partial + h * args.splits * (Dim + kSoftmaxFloats) + Dim;
    const int lane = threadIdx.x % 32;
    float most = -INFINITY;
    for (int s = lane; s < active; s += 32)
      most = fmaxf(most, __ldcg(of + s * (Dim + kSoftmaxFloats)));
    most = warp_max(most);
    float sum = 0;
    for (int s = lane; s < active; s += 32) {
      const float2 two = __ldcg(reinterpret_cast<const float2*>(of + s * (Dim + kSoftmaxFloats)));
      const float weight = __expf(two.x - most);
      weights[h * active + s] = weight;
      sum += weight * two.y;
    }
    sum = warp_sum(sum);
    if (lane == 0) sums[h] = sum;
  }
  float4* shares = reinterpret_cast<float4*>(room + (Heads * (active + 1) + 3) / 4 * 4);
  const int four = threadIdx.x % kFours;
  const int share = threadIdx.x / kFours;
  const int h = four * 4 / Dim;
  const float* of = partial + h * args.splits * (Dim + kSoftmaxFloats) + (four * 4 - h * Dim);
  __syncthreads();
  float4 total = make_float4(0, 0, 0, 0);
  if (share < kShares) {
#pragma unroll 8
    for (int s = share; s < active; s += kShares) {
      const float4 value = __ldcg(reinterpret_cast<const float4*>(of + s * (Dim + kSoftmaxFloats)));
      const float weight = weights[h * active + s];
      total.x += weight * value.x;
      total.y += weight * value.y;
      total.z += weight * value.z;
      total.w += weight * value.w;
    }
    shares[threadIdx.x] = total;
  }
  __syncthreads();
  if (share != 0) return;
#pragma unroll
  for (int other = 1; other < kShares; ++other) {
    const float4 more = shares[other * kFours + four];
    total.x += more.x;
    total.y += more.y;
    total.z += more.z;
    total.w += more.w;
  }
  const float inverse = 1.0f / sums[h];
  reinterpret_cast<float4*>(args.y + row * Dim)[four] =
      make_float4(total.x * inverse, total.y * inverse, total.z * inverse, total.w * inverse);
}

template <class T, int Dim, int Heads>
__global__ void __launch_bounds__(kThreads)
    decode_attention_kernel(const __grid_constant__ DecodeAttentionArgs args) {
  extern __shared__ __align__(16) uint8_t bytes[];
  auto& shared = *reinterpret_cast<Shared<T, Dim, Heads>*>(bytes);
  constexpr int kOwn = Dim / 32;
  const int split = blockIdx.x;
  const int head = blockIdx.y;
  const int sequence = blockIdx.z;
  const int length = args.batch.kv_length[sequence];
  const int pages = (length + kPage - 1) / kPage;
  const int active = (pages + args.pages_per_split - 1) / args.pages_per_split;
  if (split >= active) return;
  const int begin = split * args.pages_per_split;
  const int end = min(pages, begin + args.pages_per_split);
  const int32_t* table =
      args.batch.page_table + static_cast<int64_t>(sequence) * args.batch.max_pages;

#pragma unroll
  for (int i = 0; i < kStages; ++i) {
    if (begin + i < end)
      fetch_page(args, table[begin + i], head, shared.pages[i]);
    else
      commit_copies();
  }
  let_next_start();
  if (threadIdx.x < Dim / 2) {
    const int j = threadIdx.x;
    const int at = args.batch.positions[args.rope.axis[j] * args.batch.sequences + sequence];
    const int set = args.rope.sets > 1 ? args.batch.positions[args.batch.sequences + sequence] : 0;
    sincosf(static_cast<float>(at) * args.rope.inv_freq[set * (Dim / 2) + j], &shared.sine[j],
            &shared.cosine[j]);
  }
  __syncthreads();
  wait_for_previous();
  const bool newest = end == pages;
  prepare_rows<T, Dim, Heads>(args, sequence, head, newest, shared);

  float most = -INFINITY;
  float sum = 0;
  float own[Heads][kOwn] = {};
  for (int index = begin; index < end; ++index) {
    Page<T, Dim>& page = shared.pages[(index - begin) % kStages];
    wait_copies<kStages - 1>();
    __syncthreads();
    const int valid = min(kPage, length - index * kPage);
    if (newest && index == pages - 1) {
      if (threadIdx.x < Dim) {
        store(shared.new_row[0][threadIdx.x], page.k + threadIdx.x * kPage + valid - 1);
        store(shared.new_row[1][threadIdx.x], page.v + (valid - 1) * Dim + threadIdx.x);
      }
      if (sizeof(T) == 1 && threadIdx.x == 0) {
        page.k_scales[valid - 1] = shared.new_scale[0];
        page.v_scales[valid - 1] = shared.new_scale[1];
      }
      __syncthreads();
    }
    add_page<T, Dim, Heads>(page, valid, shared, most, sum, own);
    __syncthreads();
    if (index + kStages < end)
      fetch_page(args, table[index + kStages], head, page);
    else
      commit_copies();
  }

  // The warps' shares of the sums, through the place of the pages.
  auto* shares = reinterpret_cast<float*>(bytes);
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  static_assert(sizeof(float) * kWarps * Heads * Dim <= sizeof(shared.pages));
#pragma unroll
  for (int h = 0; h < Heads; ++h)
#pragma unroll
    for (int i = 0; i < kOwn; ++i) shares[(warp * Heads + h) * Dim + lane * kOwn + i] = own[h][i];
  if (warp < Heads && lane == 0) {
    shared.most[warp] = most;
    shared.sum[warp] = sum;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < Heads * Dim; i += kThreads) {
    float total = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) total += shares[w * Heads * Dim + i];
    const int h = i / Dim;
    const int64_t row = static_cast<int64_t>(sequence) * args.heads + head * Heads + h;
    if (active == 1) {
      args.y[row * Dim + i % Dim] = total / shared.sum[h];
      continue;
    }
    float* partial = args.partial + (row * args.splits + split) * (Dim + kSoftmaxFloats);
    partial[i % Dim] = total;
    if (i % Dim == 0) {
      partial[Dim] = shared.most[h];
      partial[Dim + 1] = shared.sum[h];
    }
  }
  if (active == 1) return;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    int32_t* arrived = args.arrived + sequence * args.kv.kv_heads + head;
    shared.last = atomicAdd(arrived, 1) == active - 1;
    if (shared.last) *arrived = 0;
  }
  __syncthreads();
  if (!shared.last) return;
  __threadfence();
  merge_splits<Dim, Heads>(args, sequence, head, active, shares);
}

template <class T, int Dim, int Heads>
void launch(const DecodeAttentionArgs& args, bool overlap, cudaStream_t stream) {
  const auto kernel = decode_attention_kernel<T, Dim, Heads>;
  constexpr int kShared = sizeof(Shared<T, Dim, Heads>);
  allow_shared(kernel, kShared);
  Launch launch(stream, overlap);
  launch.config.gridDim =
      dim3(static_cast<unsigned>(args.splits), static_cast<unsigned>(args.kv.kv_heads),
           static_cast<unsigned>(args.batch.sequences));
  launch.config.blockDim = dim3(kThreads);
  launch.config.dynamicSmemBytes = kShared;
  check(cudaLaunchKernelEx(&launch.config, kernel, args), "decode_attention");
}

// Shared memory of a block, of which the pages are nearly all.
int shared_bytes(const DecodeAttentionArgs& args) {
  const auto dim = static_cast<int>(args.kv.head_dim);
  const int value = args.kv.type == KvType::f32 ? 4 : args.kv.type == KvType::f16 ? 2 : 1;
  const auto heads = static_cast<int>(args.heads / args.kv.kv_heads);
  return kStages * 2 * kPage * dim * value + 4 * heads * (dim + kPage + kWarps * kPage);
}

template <class T, int Dim>
void launch_heads(const DecodeAttentionArgs& args, bool overlap, cudaStream_t stream) {
  switch (args.heads / args.kv.kv_heads) {
    case 1:
      return launch<T, Dim, 1>(args, overlap, stream);
    case 2:
      return launch<T, Dim, 2>(args, overlap, stream);
    case 4:
      return launch<T, Dim, 4>(args, overlap, stream);
    default:
      return launch<T, Dim, 8>(args, overlap, stream);
  }
}

template <class T>
void launch_dim(const DecodeAttentionArgs& args, bool overlap, cudaStream_t stream) {
  return args.kv.head_dim == 64 ? launch_heads<T, 64>(args, overlap, stream)
                                : launch_heads<T, 128>(args, overlap, stream);
}

}  // namespace

void split_pages(DecodeAttentionArgs& args, const Device& device) {
  // By measurement on an H100: four blocks for three multiprocessors, but no more than a few pages
  // each while the context is short; a long one is cut into no more parts than are merged quickly.
  constexpr int64_t kMostPages = 3;
  constexpr int64_t kMostSplits = 64;
  const int64_t pages = (args.batch.longest_context + kPage - 1) / kPage;
  const int64_t rows = args.batch.sequences * args.kv.kv_heads;
  const int64_t even = 3 * rows * pages / (int64_t{4} * device.multiprocessors);
  const int64_t least = (pages + kMostSplits - 1) / kMostSplits;
  int64_t each = std::max(least, std::min(kMostPages, std::max<int64_t>(even, 1)));
  const auto splits = [&](int64_t size) { return (pages + size - 1) / size; };
  // One page more each where then all blocks run at the same time (2 % of LLaVA's step with four
  // sequences).
  const int64_t room = int64_t{device.multiprocessors} * (device.shared_bytes / shared_bytes(args));
  if (rows * splits(each) > room && rows * splits(each + 1) <= room) ++each;
  args.pages_per_split = static_cast<int>(each);
  args.splits = static_cast<int>(splits(each));
}

bool decode_attention_takes(const DecodeAttentionArgs& args) {
  const int64_t group = args.heads / args.kv.kv_heads;
  const int64_t dim = args.kv.head_dim;
  return args.batch.longest_query == 1 && args.batch.tokens == args.batch.sequences &&
         (dim == 64 || dim == 128) && args.rope.pairs == dim / 2 && args.kv.page_size == kPage &&
         (group == 1 || group == 2 || group == 4 || group == 8);
}

void decode_attention(const DecodeAttentionArgs& args, bool overlap, cudaStream_t stream) {
  switch (args.kv.type) {
    case KvType::f32:
      return launch_dim<float>(args, overlap, stream);
    case KvType::f16:
      return launch_dim<__half>(args, overlap, stream);
    case KvType::i8:
      return launch_dim<int8_t>(args, overlap, stream);
  }
}

}  // namespace visavis::ops::cuda
