#include "engine/ops/cuda/flash_picture.h"

#include <cmath>
#include <type_traits>

#include "engine/ops/cuda/flash_tile.cuh"

namespace visavis::ops::cuda {
namespace {

// `rows` rows of head_dim values into shared memory; rows at or after `valid` become zeros.
template <class T, int kHeadDim, int kThreads>
__device__ void copy_rows(uint32_t shared, const T* from, int64_t stride, int rows, int valid) {
  constexpr int kPieces = kHeadDim / 8;
  for (int i = static_cast<int>(threadIdx.x); i < rows * kPieces; i += kThreads) {
    const int row = i / kPieces;
    const int piece = i % kPieces;
    const bool inside = row < valid;
    copy_16(shared + static_cast<uint32_t>((row * padded_row(kHeadDim) + piece * 8) * 2),
            from + (inside ? row * stride + piece * 8 : 0), inside);
  }
}

// The same of rows that lie one after the other here and there.
template <int kPieces, int kThreads, class T>
__device__ void copy_straight(uint32_t shared, const T* from, int valid) {
  const int first = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int i = 0; i < kPieces; i += kThreads) {
    if (i + kThreads <= kPieces || i + first < kPieces) {
      const bool inside = i + first < valid;
      copy_16(shared + static_cast<uint32_t>((i + first) * 16), from + (inside ? i + first : 0) * 8,
              inside);
    }
  }
}

template <class T, class Out, int kHeadDim, int kTiles, int kWarps, int kStages>
__global__ void __launch_bounds__(kWarps * 32)
    picture_kernel(const T* q, const T* k, const T* v, int64_t stride, int64_t kv_stride,
                   int64_t kv_head_stride, int64_t y_stride, const int32_t* segment_start,
                   float scale, Out* y) {
  using Tile = FlashTile<T, kHeadDim, kTiles, kWarps, false>;
  extern __shared__ uint4 shared_pieces[];
  const int begin = segment_start[blockIdx.z];
  const int length = segment_start[blockIdx.z + 1] - begin;
  const int first = static_cast<int>(blockIdx.x) * Tile::kQueries;
  if (first >= length) return;

  const int64_t head = static_cast<int64_t>(blockIdx.y) * kHeadDim;
  const uint32_t shared_queries = shared_address(shared_pieces);
  const uint32_t shared_keys = shared_queries + Tile::kQueryValues * 2;
  constexpr uint32_t kStage = (Tile::kKeyValues + Tile::kValueValues) * 2;
  const T* keys = k + begin * kv_stride + blockIdx.y * kv_head_stride;
  const T* values = v + begin * kv_stride + blockIdx.y * kv_head_stride;
  const auto load = [&](int tile) {
    const uint32_t to = shared_keys + static_cast<uint32_t>(tile % kStages) * kStage;
    const int start = tile * kKeysPerTile;
    const int left = length - start;
    const int64_t from = start * kv_stride;
    if (Tile::kRow == kHeadDim && kv_stride == kHeadDim) {
      constexpr int kPieces = Tile::kKeyValues / 8;
      const int valid = left * (kHeadDim / 8);
      copy_straight<kPieces, Tile::kThreads>(to, keys + from, valid);
      copy_straight<kPieces, Tile::kThreads>(to + Tile::kKeyValues * 2, values + from, valid);
    } else {
      copy_rows<T, kHeadDim, Tile::kThreads>(to, keys + from, kv_stride, kKeysPerTile, left);
      copy_rows<T, kHeadDim, Tile::kThreads>(to + Tile::kKeyValues * 2, values + from, kv_stride,
                                             kKeysPerTile, left);
    }
    commit_copies();
  };
  copy_rows<T, kHeadDim, Tile::kThreads>(shared_queries, q + (begin + first) * stride + head,
                                         stride, Tile::kQueries, length - first);
  load(0);

  Tile tile;
  tile.clear();
  const int tiles = (length + kKeysPerTile - 1) / kKeysPerTile;
  for (int t = 0; t < tiles; ++t) {
    wait_copies<0>();
    __syncthreads();  // tile t has arrived, and nobody reads tile t - 1 any more
    if (t == 0) tile.load_queries(shared_queries);
    if (kStages > 1 && t + 1 < tiles) load(t + 1);
    const uint32_t stage = shared_keys + static_cast<uint32_t>(t % kStages) * kStage;
    float scores[kTiles][Tile::kColumns][4];
    tile.score(shared_queries, stage, scores);
    const int left = length - t * kKeysPerTile;
    if (left < kKeysPerTile) {
      int limit[kTiles][2];
#pragma unroll
      for (int i = 0; i < kTiles; ++i) limit[i][0] = limit[i][1] = left;
      Tile::mask(limit, scores);
    }
    tile.weigh(scale, stage + Tile::kKeyValues * 2, scores);
    if (kStages == 1 && t + 1 < tiles) {
      __syncthreads();  // everybody has read tile t
      load(t + 1);
    }
  }
  Out* out = y + (begin + first) * y_stride + head;
  tile.finish([&](int row, int column, float low, float high) {
    if (first + row >= length) return;
    Out* to = out + row * y_stride + column;
    if constexpr (std::is_same_v<Out, float>) {
      *reinterpret_cast<float2*>(to) = {low, high};
    } else {
      *reinterpret_cast<uint32_t*>(to) = MatrixUnit<T>::pack(low, high);
    }
  });
}

constexpr int kWarps = 4;

template <int kHeadDim, int kTiles>
constexpr int shared_for(int stages) {
  return FlashTile<__half, kHeadDim, kTiles, kWarps, false>::shared_bytes(stages);
}

template <class T, class Out, int kHeadDim, int kTiles, int kStages>
void launch(const PictureAttentionCall& call, cudaStream_t stream) {
  using Tile = FlashTile<T, kHeadDim, kTiles, kWarps, false>;
  constexpr int kShared = Tile::shared_bytes(kStages);
  const auto kernel = picture_kernel<T, Out, kHeadDim, kTiles, kWarps, kStages>;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kShared),
        "attention inside a picture");
  const dim3 grid(
      static_cast<unsigned>((call.longest_segment + Tile::kQueries - 1) / Tile::kQueries),
      static_cast<unsigned>(call.heads), static_cast<unsigned>(call.segments));
  kernel<<<grid, Tile::kThreads, kShared, stream>>>(
      static_cast<const T*>(call.q), static_cast<const T*>(call.k), static_cast<const T*>(call.v),
      call.stride, call.kv_stride, call.kv_head_stride, call.heads * call.head_dim,
      call.segment_start, call.scale * kLog2E, static_cast<Out*>(call.y));
  launched("attention inside a picture");
}

// Blocks of 128 queries read keys half as often; blocks of 64 fill more multiprocessors.
template <class T, class Out, int kHeadDim>
void choose_tiles(const PictureAttentionCall& call, Context& context) {
  constexpr int64_t kEnoughBlocks = 256;
  const int64_t blocks = (call.longest_segment + 127) / 128 * call.heads * call.segments;
  if constexpr (std::is_same_v<T, __half>) {
    if (context.device.code < kAsynchronousCopies)
      return launch<T, Out, kHeadDim, 1, kStagesWithout>(call, context.stream);
  }
  if (blocks >= kEnoughBlocks &&
      context.device.shared_bytes >= shared_for<kHeadDim, 2>(kStagesWithCopies)) {
    launch<T, Out, kHeadDim, 2, kStagesWithCopies>(call, context.stream);
  } else {
    launch<T, Out, kHeadDim, 1, kStagesWithCopies>(call, context.stream);
  }
}

template <class T, class Out>
void choose_width(const PictureAttentionCall& call, Context& context) {
  switch (call.head_dim) {
    case 64:
      return choose_tiles<T, Out, 64>(call, context);
    case 72:
      return choose_tiles<T, Out, 72>(call, context);
    case 80:
      return choose_tiles<T, Out, 80>(call, context);
    default:
      return choose_tiles<T, Out, 128>(call, context);
  }
}

}  // namespace

bool flash_picture_supports(int64_t head_dim, const Device& device) {
  const int stages = device.code < kAsynchronousCopies ? kStagesWithout : kStagesWithCopies;
  switch (head_dim) {
    case 64:
      return device.shared_bytes >= shared_for<64, 1>(stages);
    case 72:
      return device.shared_bytes >= shared_for<72, 1>(stages);
    case 80:
      return device.shared_bytes >= shared_for<80, 1>(stages);
    case 128:
      return device.shared_bytes >= shared_for<128, 1>(stages);
    default:
      return false;
  }
}

void flash_picture(const PictureAttentionCall& call, Context& context) {
  if (call.bf16) {
    if (call.y_f32) return choose_width<__nv_bfloat16, float>(call, context);
    return choose_width<__nv_bfloat16, __nv_bfloat16>(call, context);
  }
  if (call.y_f32) return choose_width<__half, float>(call, context);
  choose_width<__half, __half>(call, context);
}

}  // namespace visavis::ops::cuda
