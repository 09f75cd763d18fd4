// y = W x for 1 to 8 rows x and 4- or 8-bit W, at the speed at which W can be read.
//
// x is normed and rounded to int8 per 128 columns by every block for itself, while the block's
// first weights are on their way: they do not depend on the kernel before. W passes through a ring
// in shared memory, a part of it per warp, so that a block needs a barrier only once per 16 rows of
// W. The products are integer matrix products, exact whatever the order; a row's result is
// therefore the same bits alone and beside seven others.
#include "engine/ops/cuda/gemv_int.h"

#include <algorithm>

#include "engine/ops/cuda/launch.cuh"
#include "engine/ops/cuda/ptx.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kWarps = 16;
constexpr int kTileRows = 16;
constexpr int kGroup = 128;
constexpr int kStageCols = 2 * kGroup;
constexpr int kMaxN = GemvArgs::kMaxRows;
constexpr int kInputPad = 16;  // bytes: keeps eight rows of x in different banks
constexpr int kScaleBytes = kTileRows * 2 * static_cast<int>(sizeof(__half));

__host__ __device__ constexpr int stage_bytes(int bits) {
  return kTileRows * kStageCols * bits / 8 + kScaleBytes;
}

// Shared memory behind the ring.
struct Layout {
  int input_stride;  // bytes of a row of x
  int columns;       // of a tile's sums: n made even
  int input;
  int input_scales;  // [groups][kMaxN] floats
  int sums;          // [2][warps][kTileRows * columns] floats
  int squares;       // [groups][kMaxN] floats
  int inverse_rms;   // [kMaxN] floats
  int bytes;

  __host__ __device__ Layout(int ring, int warps, int n, int cols, bool normed) {
    const int pairs = (cols + kStageCols - 1) / kStageCols;
    input_stride = pairs * kStageCols + kInputPad;
    columns = (n + 1) / 2 * 2;
    input = ring;
    input_scales = input + n * input_stride;
    sums = input_scales + pairs * 2 * kMaxN * 4;
    squares = sums + 2 * warps * kTileRows * columns * 4;
    inverse_rms = squares + (normed ? pairs * 2 * kMaxN * 4 : 0);
    bytes = inverse_rms + kMaxN * 4;
  }
};

struct KernelArgs {
  GemvArgs of;
  int first_tile[GemvArgs::kMaxMatrices];
  int tiles;
  int groups;  // scales of a row
  int pairs;   // stages of a row
};

__device__ inline uint32_t pack(float a, float b, float c, float d) {
  const auto byte = [](float v) { return static_cast<uint32_t>(__float2int_rn(v)) & 0xffu; };
  return byte(a) | byte(b) << 8 | byte(c) << 16 | byte(d) << 24;
}

// Rounds x to int8 per group. A thread takes 8 neighbouring columns, 16 threads share a group. For
// 4-bit codes the even columns come first, as the nibbles are taken apart.
template <int Bits, int Warps>
__device__ void round_input(const KernelArgs& args, const Layout& layout, uint8_t* shared) {
  const GemvArgs& of = args.of;
  const int units = args.pairs * kStageCols / 8;
  auto* scales = reinterpret_cast<float*>(shared + layout.input_scales);
  auto* squares = reinterpret_cast<float*>(shared + layout.squares);
  const bool normed = of.norm_weight != nullptr;
#pragma unroll 4
  for (int item = threadIdx.x; item < units * of.n; item += 32 * Warps) {
    const int row = item / units;
    const int unit = item - row * units;
    float v[8] = {};
    float square = 0;
    if (unit * 8 < of.cols) {
      const auto* x =
          reinterpret_cast<const float4*>(of.x + static_cast<int64_t>(row) * of.cols) + 2 * unit;
      *reinterpret_cast<float4*>(v) = __ldcg(x);
      *reinterpret_cast<float4*>(v + 4) = __ldcg(x + 1);
      if (normed) {
        float w[8];
        const auto* weight = reinterpret_cast<const float4*>(of.norm_weight) + 2 * unit;
        *reinterpret_cast<float4*>(w) = __ldg(weight);
        *reinterpret_cast<float4*>(w + 4) = __ldg(weight + 1);
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          square += v[i] * v[i];
          v[i] *= w[i];
        }
      }
    }
    float most = 0;
#pragma unroll
    for (int i = 0; i < 8; ++i) most = fmaxf(most, fabsf(v[i]));
#pragma unroll
    for (int far = 8; far > 0; far /= 2) {
      most = fmaxf(most, __shfl_xor_sync(~0u, most, far, 16));
      if (normed) square += __shfl_xor_sync(~0u, square, far, 16);
    }
    constexpr float kTiny = 1e-35f;  // 127 / most stays finite
    if (most < kTiny) most = 0;
    const float inverse = most > 0 ? 127.0f / most : 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) v[i] *= inverse;
    uint2 packed;
    if (Bits == 4) {
      packed = make_uint2(pack(v[0], v[2], v[4], v[6]), pack(v[1], v[3], v[5], v[7]));
    } else {
      packed = make_uint2(pack(v[0], v[1], v[2], v[3]), pack(v[4], v[5], v[6], v[7]));
    }
    *reinterpret_cast<uint2*>(shared + layout.input + row * layout.input_stride + unit * 8) =
        packed;
    if (unit % 16 == 0) {
      // 4-bit codes are multiplied as 16 times their value.
      scales[unit / 16 * kMaxN + row] = most / (Bits == 4 ? 127 * 16 : 127);
      if (normed) squares[unit / 16 * kMaxN + row] = square;
    }
  }
}

// What the norm multiplies each row with, a warp per row.
template <int Warps>
__device__ void find_rms(const KernelArgs& args, const Layout& layout, uint8_t* shared) {
  if (args.of.norm_weight == nullptr) return;
  const auto* squares = reinterpret_cast<const float*>(shared + layout.squares);
  const int row = threadIdx.x / 32;
  if (row >= args.of.n) return;
  float square = 0;
  for (int g = threadIdx.x % 32; g < args.groups; g += 32) square += squares[g * kMaxN + row];
#pragma unroll
  for (int far = 16; far > 0; far /= 2) square += __shfl_xor_sync(~0u, square, far);
  if (threadIdx.x % 32 == 0)
    reinterpret_cast<float*>(shared + layout.inverse_rms)[row] =
        rsqrtf(square / static_cast<float>(args.of.cols) + args.of.eps);
}

// Where a tile's rows lie.
struct Tile {
  int matrix;
  int row;  // first, of each matrix of a gated pair

  __device__ Tile(const KernelArgs& args, int tile) {
    matrix = 0;
    if (args.of.gated) {
      row = tile * (kTileRows / 2);
      return;
    }
    for (int m = 1; m < args.of.count; ++m)
      if (tile >= args.first_tile[m]) matrix = m;
    row = (tile - args.first_tile[matrix]) * kTileRows;
  }
  /// Matrix and row of the tile's row r; rows past the end are read as the last one.
  __device__ const GemvMatrix& at(const KernelArgs& args, int r, int& found) const {
    const int half = args.of.gated ? r / (kTileRows / 2) : 0;
    const GemvMatrix& of = args.of.matrices[matrix + half];
    found = row + r - half * (kTileRows / 2);
    if (found >= of.rows) found = of.rows - 1;
    return of;
  }
};

// One warp's share of the weights: of each of the block's tiles the stages [begin, end).
template <int Bits, int Depth>
class Stream {
 public:
  static constexpr int kRowBytes = kStageCols * Bits / 8;
  static constexpr int kPieces = kRowBytes / 16;
  static constexpr int kStage = stage_bytes(Bits);

  __device__ Stream(const KernelArgs& args, uint8_t* ring, int begin, int end)
      : args_(args), ring_(ring), begin_(begin), end_(end), tile_(blockIdx.x), pair_(begin) {
    if (begin_ == end_) tile_ = args_.tiles;
  }

  __device__ const uint8_t* slot() const { return ring_ + slot_ * kStage; }
  __device__ void next_slot() { slot_ = slot_ + 1 == Depth ? 0 : slot_ + 1; }

  /// Starts the next stage's copies into the current slot. Pieces of odd rows are swapped so that
  /// eight lanes of a fragment read different banks.
  __device__ void issue() {
    if (tile_ < args_.tiles) {
      uint8_t* to = ring_ + slot_ * kStage;
      const int lane = threadIdx.x % 32;
      const Tile tile(args_, tile_);
      const int piece = lane % kPieces;
      const bool present = pair_ * kStageCols + piece * (128 / Bits) < args_.of.cols;
      const int64_t row_bytes = static_cast<int64_t>(args_.of.cols) * Bits / 8;
#pragma unroll
      for (int i = 0; i < kTileRows * kPieces / 32; ++i) {
        const int r = lane / kPieces + i * (32 / kPieces);
        int row;
        const uint8_t* codes = tile.at(args_, r, row).codes;
        const int swapped = piece ^ ((r & 1) * (Bits == 4 ? 4 : 1));
        copy16(to + r * kRowBytes + swapped * 16,
               codes + row * row_bytes + (present ? pair_ * kRowBytes + piece * 16 : 0), present);
      }
      if (lane < kTileRows) {
        int row;
        const __half* scales = tile.at(args_, lane, row).scales;
        copy4(to + kTileRows * kRowBytes + lane * 4,
              scales + static_cast<int64_t>(row) * args_.groups + pair_ * 2);
      }
      if (++pair_ == end_) {
        pair_ = begin_;
        tile_ += gridDim.x;
      }
    }
    commit_copies();
  }

 private:
  const KernelArgs& args_;
  uint8_t* ring_;
  int begin_, end_;
  int tile_, pair_;
  int slot_ = 0;
};

// The 8 words of codes that lane (g, t) holds of row r and group j, as the matrix product wants
// them.
template <int Bits>
__device__ inline void load_codes(const uint8_t* slot, int r, int j, int t, uint32_t (&words)[8]) {
  const uint8_t* row = slot + r * Stream<Bits, 1>::kRowBytes;
  if (Bits == 4) {
    const uint4 packed = *reinterpret_cast<const uint4*>(row + ((j * 4 + t) ^ ((r & 1) * 4)) * 16);
    const uint32_t from[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      // (code - 8) * 16 as a signed byte
      words[2 * i] = ((from[i] << 4) & 0xf0f0f0f0u) ^ 0x80808080u;
      words[2 * i + 1] = (from[i] & 0xf0f0f0f0u) ^ 0x80808080u;
    }
  } else {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const uint4 four =
          *reinterpret_cast<const uint4*>(row + ((j * 8 + t * 2 + h) ^ (r & 1)) * 16);
      words[4 * h] = four.x;
      words[4 * h + 1] = four.y;
      words[4 * h + 2] = four.z;
      words[4 * h + 3] = four.w;
    }
  }
}

template <int Bits>
__device__ inline void multiply_stage(const uint8_t* slot, const int8_t* input, int input_stride,
                                      const float* input_scales, int pair, int n,
                                      float (&sums)[4]) {
  const int g = threadIdx.x % 32 / 4;
  const int t = threadIdx.x % 4;
  const auto* scales =
      reinterpret_cast<const __half2*>(slot + kTileRows * Stream<Bits, 1>::kRowBytes);
  const float2 low = __half22float2(scales[g]);
  const float2 high = __half22float2(scales[g + 8]);
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    const int group = pair * 2 + j;
    uint4 x[2] = {};
    if (g < n) {
      const auto* from =
          reinterpret_cast<const uint4*>(input + g * input_stride + group * kGroup + t * 32);
      x[0] = from[0];
      x[1] = from[1];
    }
    uint32_t top[8];
    uint32_t bottom[8];
    load_codes<Bits>(slot, g, j, t, top);
    load_codes<Bits>(slot, g + 8, j, t, bottom);
    const uint32_t b[8] = {x[0].x, x[0].y, x[0].z, x[0].w, x[1].x, x[1].y, x[1].z, x[1].w};
    int c[4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint32_t a[4] = {top[2 * i], bottom[2 * i], top[2 * i + 1], bottom[2 * i + 1]};
      multiply_s8(a, b[2 * i], b[2 * i + 1], c);
    }
    const float2 of_x = *reinterpret_cast<const float2*>(input_scales + group * kMaxN + 2 * t);
    const float top_scale = j == 0 ? low.x : low.y;
    const float bottom_scale = j == 0 ? high.x : high.y;
    sums[0] += static_cast<float>(c[0]) * (top_scale * of_x.x);
    sums[1] += static_cast<float>(c[1]) * (top_scale * of_x.y);
    sums[2] += static_cast<float>(c[2]) * (bottom_scale * of_x.x);
    sums[3] += static_cast<float>(c[3]) * (bottom_scale * of_x.y);
  }
}

// One result of a tile, of which a thread each adds the warps' sums.
struct Result {
  bool wanted = false;
  int r;
  int k;
  float* y;
  float added;  // bias, and what y holds

  // Reads what is added while the products are still being made.
  __device__ Result(const KernelArgs& args, int tile_index) {
    const GemvArgs& of = args.of;
    r = threadIdx.x / kMaxN;
    k = threadIdx.x % kMaxN;
    if (r >= (of.gated ? kTileRows / 2 : kTileRows) || k >= of.n) return;
    const Tile tile(args, tile_index);
    const GemvMatrix& matrix = of.matrices[tile.matrix];
    const int row = tile.row + r;
    if (row >= matrix.rows) return;
    wanted = true;
    y = matrix.y + static_cast<int64_t>(k) * matrix.rows + row;
    added = of.accumulate ? __ldcg(y) : 0.0f;
    if (matrix.bias != nullptr) added += __ldg(matrix.bias + row);
  }

  template <int Warps>
  __device__ void finish(const KernelArgs& args, const Layout& layout, const uint8_t* shared,
                         const float* sums) const {
    if (!wanted) return;
    const float rms = args.of.norm_weight == nullptr
                          ? 1.0f
                          : reinterpret_cast<const float*>(shared + layout.inverse_rms)[k];
    const auto sum_of = [&](int row) {
      float sum = 0;
#pragma unroll
      for (int w = 0; w < Warps; ++w) sum += sums[(w * kTileRows + row) * layout.columns + k];
      return sum * rms;
    };
    float result = sum_of(r);
    if (args.of.gated) result = result / (1.0f + __expf(-result)) * sum_of(r + kTileRows / 2);
    *y = result + added;
  }
};

template <int Bits, int Warps, int Depth>
__global__ void __launch_bounds__(32 * Warps) gemv_kernel(const __grid_constant__ KernelArgs args) {
  extern __shared__ __align__(16) uint8_t shared[];
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int n = args.of.n;
  const Layout layout(Warps * Depth * stage_bytes(Bits), Warps, n, args.of.cols,
                      args.of.norm_weight != nullptr);
  auto* input = reinterpret_cast<int8_t*>(shared + layout.input);
  auto* input_scales = reinterpret_cast<float*>(shared + layout.input_scales);
  auto* sums = reinterpret_cast<float*>(shared + layout.sums);

  const int begin = warp * args.pairs / Warps;
  const int end = (warp + 1) * args.pairs / Warps;
  Stream<Bits, Depth> stream(args, shared + warp * Depth * stage_bytes(Bits), begin, end);
#pragma unroll 1
  for (int i = 0; i < Depth; ++i) {
    stream.issue();
    stream.next_slot();
  }
  let_next_start();
  for (int i = threadIdx.x; i < args.pairs * 2 * kMaxN; i += 32 * Warps)
    if (i % kMaxN >= n) input_scales[i] = 0;
  wait_for_previous();
  round_input<Bits, Warps>(args, layout, shared);
  __syncthreads();
  find_rms<Warps>(args, layout, shared);

  int half = 0;
  for (int tile = blockIdx.x; tile < args.tiles; tile += gridDim.x) {
    const Result result(args, tile);
    float part[4] = {};
#pragma unroll 1
    for (int pair = begin; pair < end; ++pair) {
      wait_copies<Depth - 1>();
      __syncwarp();
      multiply_stage<Bits>(stream.slot(), input, layout.input_stride, input_scales, pair, n, part);
      __syncwarp();
      stream.issue();
      stream.next_slot();
    }
    const int columns = layout.columns;
    float* tile_sums = sums + half * Warps * kTileRows * columns;
    float* mine = tile_sums + warp * kTileRows * columns;
    const int g = lane / 4;
    const int t = lane % 4;
    if (2 * t < n) {
      *reinterpret_cast<float2*>(mine + g * columns + 2 * t) = make_float2(part[0], part[1]);
      *reinterpret_cast<float2*>(mine + (g + 8) * columns + 2 * t) = make_float2(part[2], part[3]);
    }
    __syncthreads();
    result.finish<Warps>(args, layout, shared, tile_sums);
    half ^= 1;
  }
}

template <int Bits, int Warps, int Depth>
void launch(const KernelArgs& args, int blocks, bool overlap, cudaStream_t stream) {
  const int shared = Layout(Warps * Depth * stage_bytes(Bits), Warps, args.of.n, args.of.cols,
                            args.of.norm_weight != nullptr)
                         .bytes;
  const auto kernel = gemv_kernel<Bits, Warps, Depth>;
  allow_shared(kernel, shared);
  Launch launch(stream, overlap);
  launch.config.gridDim = dim3(static_cast<unsigned>(std::min(args.tiles, blocks)));
  launch.config.blockDim = dim3(32 * Warps);
  launch.config.dynamicSmemBytes = static_cast<size_t>(shared);
  check(cudaLaunchKernelEx(&launch.config, kernel, args), "gemv_int");
}

// As many stages as fit.
template <int Bits, int Warps>
void launch_depth(const KernelArgs& args, int shared, int depth, int blocks, bool overlap,
                  cudaStream_t stream) {
  const int rest = Layout(0, Warps, args.of.n, args.of.cols, args.of.norm_weight != nullptr).bytes;
  const int fits = (shared - rest) / (Warps * stage_bytes(Bits));
  switch (std::min(fits, depth)) {
    case 1:
      return launch<Bits, Warps, 1>(args, blocks, overlap, stream);
    case 2:
      return launch<Bits, Warps, 2>(args, blocks, overlap, stream);
    case 3:
      return launch<Bits, Warps, 3>(args, blocks, overlap, stream);
    default:
      if (fits < 1) check(cudaErrorInvalidConfiguration, "gemv_int");
      return launch<Bits, Warps, 4>(args, blocks, overlap, stream);
  }
}

}  // namespace

bool gemv_int_takes(const WeightArgs& weight, const Device& device) {
  const bool coded =
      weight.kind == WeightKind::int8 || (weight.kind == WeightKind::int4 && weight.symmetric());
  return coded && weight.round_input && weight.group == kGroup && weight.groups % 2 == 0 &&
         weight.cols % 32 == 0 && gemv_int_rows(weight.cols, device) > 0;
}

int gemv_int_rows(int64_t cols, const Device& device) {
  constexpr int kLeastRing = kWarps * stage_bytes(8);
  for (int n = kMaxN; n > 0; --n)
    if (Layout(kLeastRing, kWarps, n, static_cast<int>(cols), true).bytes <= device.shared_bytes)
      return n;
  return 0;
}

void gemv_int(const GemvArgs& of, const Device& device, bool overlap, cudaStream_t stream) {
  KernelArgs args = {};
  args.of = of;
  args.groups = (of.cols + kGroup - 1) / kGroup;
  args.pairs = (of.cols + kStageCols - 1) / kStageCols;
  if (of.gated) {
    args.tiles = (of.matrices[0].rows + kTileRows / 2 - 1) / (kTileRows / 2);
  } else {
    for (int m = 0; m < of.count; ++m) {
      args.first_tile[m] = args.tiles;
      args.tiles += (of.matrices[m].rows + kTileRows - 1) / kTileRows;
    }
  }
  // By measurement on an H100. A stage of 8-bit codes is twice as large.
  constexpr int kDepth = 4;
  const int depth = of.bits == 4 ? kDepth : kDepth / 2;
  const auto launcher = of.bits == 4 ? launch_depth<4, kWarps> : launch_depth<8, kWarps>;
  launcher(args, device.shared_bytes, depth, device.multiprocessors, overlap, stream);
}

}  // namespace visavis::ops::cuda
