#include "engine/ops/cuda/flash_cached.h"

#include <type_traits>

#include "engine/ops/cuda/flash_tile.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr float kLargestHalf = 65504.0f;

__device__ float clamp_to_half(float x) { return fminf(fmaxf(x, -kLargestHalf), kLargestHalf); }

// The block's queries as f16 in shared memory, scaled; zeros where there are none.
template <class Query, int kHeadDim, int kQueries, int kThreads>
__device__ void load_queries(__half* shared, const Query* from, int64_t stride, int valid,
                             float scale) {
  constexpr int kPieces = kHeadDim / 8;
  for (int i = static_cast<int>(threadIdx.x); i < kQueries * kPieces; i += kThreads) {
    const int row = i / kPieces;
    const int piece = i % kPieces;
    __half* to = shared + row * padded_row(kHeadDim) + piece * 8;
    const bool inside = row < valid;
    const Query* values = from + (inside ? row * stride + piece * 8 : 0);
    if constexpr (std::is_same_v<Query, __half>) {
      copy_16(shared_address(to), values, inside);
    } else {
      float4 a = {0, 0, 0, 0};
      float4 b = {0, 0, 0, 0};
      if (inside) {
        a = reinterpret_cast<const float4*>(values)[0];
        b = reinterpret_cast<const float4*>(values)[1];
      }
      const auto pair = [scale](float low, float high) {
        return MatrixUnit<__half>::pack(clamp_to_half(low * scale), clamp_to_half(high * scale));
      };
      *reinterpret_cast<uint4*>(to) = {pair(a.x, a.y), pair(a.z, a.w), pair(b.x, b.y),
                                       pair(b.z, b.w)};
    }
  }
}

// 16 codes as f16 in shared memory, each times its scale.
template <class Scale>
__device__ void widen_codes(__half* shared, uint4 codes, Scale&& scale) {
  const uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
  uint32_t pairs[8];
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    // A byte b in the lowest bits of this float makes it 2^23 + b, faster than a conversion.
    const uint32_t shifted = words[i / 2] ^ 0x80808080u;  // code + 128
    const auto value = [&](int byte) {
      const uint32_t bits =
          __byte_perm(shifted, 0x4b000000u, 0x7540u | static_cast<uint32_t>(byte));
      return (__uint_as_float(bits) - 8388736.0f) * scale(i / 2 * 4 + byte);
    };
    pairs[i] = MatrixUnit<__half>::pack(clamp_to_half(value(i % 2 * 2)),
                                        clamp_to_half(value(i % 2 * 2 + 1)));
  }
  reinterpret_cast<uint4*>(shared)[0] = {pairs[0], pairs[1], pairs[2], pairs[3]};
  reinterpret_cast<uint4*>(shared)[1] = {pairs[4], pairs[5], pairs[6], pairs[7]};
}

// A page of one head's keys [kHeadDim, 64] and values [64, kHeadDim] as f16 in rows of shared
// memory; values at or after position `valid` become zeros, since they may be anything, NaN too.
template <class Tile, int kHeadDim>
__device__ void load_page(__half* shared, const KvArgs& kv, int64_t part, int valid) {
  static_assert(Tile::kThreads % 4 == 0);
  __half* shared_values = shared + Tile::kKeyValues;
  const int64_t from = part * kHeadDim * kKeysPerTile;
  const auto thread = static_cast<int>(threadIdx.x);
  if (kv.type == KvType::f16) {
    const __half* keys = static_cast<const __half*>(kv.k) + from;
    const __half* values = static_cast<const __half*>(kv.v) + from;
    constexpr int kKeyPieces = kKeysPerTile / 8;
    constexpr int kValuePieces = kHeadDim / 8;
#pragma unroll
    for (int i = thread; i < kHeadDim * kKeyPieces; i += Tile::kThreads) {
      copy_16(shared_address(shared + i / kKeyPieces * Tile::kKeyRow + i % kKeyPieces * 8),
              keys + i * 8, true);
    }
#pragma unroll
    for (int i = thread; i < kKeysPerTile * kValuePieces; i += Tile::kThreads) {
      copy_16(shared_address(shared_values + i / kValuePieces * Tile::kRow + i % kValuePieces * 8),
              values + i * 8, i / kValuePieces < valid);
    }
    return;
  }
  const auto* keys = static_cast<const uint4*>(kv.k) + from / 16;
  const auto* values = static_cast<const uint4*>(kv.v) + from / 16;
  constexpr int kKeyPieces = kKeysPerTile / 16;
  constexpr int kValuePieces = kHeadDim / 16;
  float scales[16];  // of the positions that all of this thread's pieces of keys have
#pragma unroll
  for (int i = 0; i < 16; ++i)
    scales[i] = __ldg(kv.k_scales + part * kKeysPerTile + thread % kKeyPieces * 16 + i);
#pragma unroll 4
  for (int i = thread; i < kHeadDim * kKeyPieces; i += Tile::kThreads) {
    widen_codes(shared + i / kKeyPieces * Tile::kKeyRow + i % kKeyPieces * 16, __ldg(keys + i),
                [&](int j) { return scales[j]; });
  }
#pragma unroll 4
  for (int i = thread; i < kKeysPerTile * kValuePieces; i += Tile::kThreads) {
    const int position = i / kValuePieces;
    const bool present = position < valid;
    const float scale = present ? __ldg(kv.v_scales + part * kKeysPerTile + position) : 0.0f;
    widen_codes(shared_values + position * Tile::kRow + i % kValuePieces * 16,
                present ? __ldg(values + i) : make_uint4(0, 0, 0, 0), [&](int) { return scale; });
  }
}

template <class Query, int kHeadDim, int kTiles, int kWarps, int kStages>
__global__ void __launch_bounds__(kWarps * 32)
    cached_kernel(CachedAttentionArgs args, const Query* q, int64_t q_stride, int64_t q_head_stride,
                  float scale) {
  using Tile = FlashTile<__half, kHeadDim, kTiles, kWarps, true>;
  extern __shared__ uint4 shared_pieces[];
  const BatchArgs& batch = args.batch;
  const int sequence = static_cast<int>(blockIdx.z);
  const int begin = batch.query_start[sequence];
  const int rows = batch.query_start[sequence + 1] - begin;
  // The last queries see the most keys: they start first.
  const int first = static_cast<int>(gridDim.x - 1 - blockIdx.x) * Tile::kQueries;
  if (first >= rows) return;
  const int length = batch.kv_length[sequence];
  const int hidden = length - rows;  // query i sees hidden + i + 1 keys
  const int last = min(rows, first + Tile::kQueries) - 1;
  const int tiles = (hidden + last + kKeysPerTile) / kKeysPerTile;

  const int64_t head = blockIdx.y;
  const int64_t kv_head = head / (args.heads / args.kv.kv_heads);
  const int32_t* pages = batch.page_table + sequence * batch.max_pages;
  const uint32_t shared_queries = shared_address(shared_pieces);
  const uint32_t shared_keys = shared_queries + Tile::kQueryValues * 2;
  constexpr uint32_t kStage = (Tile::kKeyValues + Tile::kValueValues) * 2;
  const auto load = [&](int tile) {
    auto* to = reinterpret_cast<__half*>(shared_pieces) + Tile::kQueryValues +
               tile % kStages * (Tile::kKeyValues + Tile::kValueValues);
    load_page<Tile, kHeadDim>(to, args.kv, pages[tile] * args.kv.kv_heads + kv_head,
                              length - tile * kKeysPerTile);
    commit_copies();
  };
  load_queries<Query, kHeadDim, Tile::kQueries, Tile::kThreads>(
      reinterpret_cast<__half*>(shared_pieces),
      q + (begin + first) * q_stride + head * q_head_stride, q_stride, rows - first, scale);
  load(0);

  int visible[kTiles][2];  // keys that this lane's rows see
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < kTiles; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = (static_cast<int>(threadIdx.x) / 32 * kTiles + i) * 16 + half * 8 + lane / 4;
      visible[i][half] = min(hidden + first + row + 1, length);
    }
  }
  Tile tile;
  tile.clear();
  for (int t = 0; t < tiles; ++t) {
    wait_copies<0>();
    __syncthreads();  // tile t has arrived, and nobody reads tile t - 1 any more
    if (t == 0) tile.load_queries(shared_queries);
    if (kStages > 1 && t + 1 < tiles) load(t + 1);
    const uint32_t stage = shared_keys + static_cast<uint32_t>(t % kStages) * kStage;
    float scores[kTiles][Tile::kColumns][4];
    tile.score(shared_queries, stage, scores);
    if ((t + 1) * kKeysPerTile > hidden + first + 1) {
      int limit[kTiles][2];
#pragma unroll
      for (int i = 0; i < kTiles; ++i) {
        limit[i][0] = visible[i][0] - t * kKeysPerTile;
        limit[i][1] = visible[i][1] - t * kKeysPerTile;
      }
      Tile::mask(limit, scores);
    }
    tile.weigh(1.0f, stage + Tile::kKeyValues * 2, scores);
    if (kStages == 1 && t + 1 < tiles) {
      __syncthreads();  // everybody has read tile t
      load(t + 1);
    }
  }
  const int64_t y_stride = args.heads * kHeadDim;
  float* out = args.y + (begin + first) * y_stride + head * kHeadDim;
  tile.finish([&](int row, int column, float low, float high) {
    if (first + row >= rows) return;
    *reinterpret_cast<float2*>(out + row * y_stride + column) = {low, high};
  });
}

constexpr int kWarps = 4;

template <int kHeadDim, int kTiles>
constexpr int shared_for(int stages) {
  return FlashTile<__half, kHeadDim, kTiles, kWarps, true>::shared_bytes(stages);
}

template <class Query, int kHeadDim, int kTiles, int kStages>
void launch(const CachedAttentionArgs& args, const CachedQueries& queries, cudaStream_t stream) {
  using Tile = FlashTile<__half, kHeadDim, kTiles, kWarps, true>;
  constexpr int kShared = Tile::shared_bytes(kStages);
  const auto kernel = cached_kernel<Query, kHeadDim, kTiles, kWarps, kStages>;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kShared),
        "cached_attention (flash)");
  const dim3 grid(
      static_cast<unsigned>((args.batch.longest_query + Tile::kQueries - 1) / Tile::kQueries),
      static_cast<unsigned>(args.heads), static_cast<unsigned>(args.batch.sequences));
  kernel<<<grid, Tile::kThreads, kShared, stream>>>(args, static_cast<const Query*>(queries.q),
                                                    queries.stride, queries.head_stride,
                                                    args.scale * kLog2E);
  launched("cached_attention (flash)");
}

// Blocks of 128 queries read keys half as often; blocks of 64 fill more multiprocessors and waste
// less on the diagonal.
template <class Query, int kHeadDim>
void choose_tiles(const CachedAttentionArgs& args, const CachedQueries& queries, Context& context) {
  constexpr int64_t kManyQueries = 1024;
  if (context.device.code < kAsynchronousCopies) {
    launch<Query, kHeadDim, 1, kStagesWithout>(args, queries, context.stream);
  } else if (args.batch.longest_query >= kManyQueries &&
             context.device.shared_bytes >= shared_for<kHeadDim, 2>(kStagesWithCopies)) {
    launch<Query, kHeadDim, 2, kStagesWithCopies>(args, queries, context.stream);
  } else {
    launch<Query, kHeadDim, 1, kStagesWithCopies>(args, queries, context.stream);
  }
}

template <class Query>
void choose_width(const CachedAttentionArgs& args, const CachedQueries& queries, Context& context) {
  if (args.kv.head_dim == 64) return choose_tiles<Query, 64>(args, queries, context);
  choose_tiles<Query, 128>(args, queries, context);
}

}  // namespace

bool flash_cached_supports(const CachedAttentionArgs& args, const Device& device) {
  const int stages = device.code < kAsynchronousCopies ? kStagesWithout : kStagesWithCopies;
  return args.kv.type != KvType::f32 && args.kv.page_size == kKeysPerTile &&
         (args.kv.head_dim == 64 || args.kv.head_dim == 128) &&
         device.shared_bytes >= shared_for<128, 1>(stages);
}

void flash_cached(const CachedAttentionArgs& args, const CachedQueries& queries, Context& context) {
  if (args.batch.tokens == 0) return;
  if (queries.f16) {
    choose_width<__half>(args, queries, context);
  } else {
    choose_width<float>(args, queries, context);
  }
}

void cached_attention_flash(const CachedAttentionArgs& args, Context& context) {
  CachedQueries queries;
  queries.q = args.q;
  queries.stride = args.heads * args.kv.head_dim;
  queries.head_stride = args.kv.head_dim;
  flash_cached(args, queries, context);
}

}  // namespace visavis::ops::cuda
