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
// Blocks that round x together where there are several rows of it. The multiprocessors of an H100
// come in pairs: a cluster of two leaves none of them idle.
constexpr int kPair = 2;
constexpr int kInputPad = 16;  // bytes: keeps eight rows of x in different banks
constexpr int kScaleBytes = kTileRows * 2 * static_cast<int>(sizeof(__half));

__host__ __device__ constexpr int stage_bytes(int bits) {
  return kTileRows * kStageCols * bits / 8 + kScaleBytes;
}

// Shared memory behind the ring.
struct Layout {
  int input_stride;  // bytes of a row of x
  int columns;       // of sums and scales: n made even
  int input;
  int input_scales;  // [groups][columns] floats
  int sums;          // [2][warps][kTileRows * columns] floats
  int squares;       // [groups][columns] floats
  int inverse_rms;   // [kMaxN] floats
  int bytes;

  __host__ __device__ Layout(int ring, int warps, int n, int cols, bool normed) {
    const int pairs = (cols + kStageCols - 1) / kStageCols;
    input_stride = pairs * kStageCols + kInputPad;
    columns = (n + 1) / 2 * 2;
    input = ring;
    input_scales = input + n * input_stride;
    sums = input_scales + pairs * 2 * columns * 4;
    squares = sums + 2 * warps * kTileRows * columns * 4;
    inverse_rms = squares + (normed ? pairs * 2 * columns * 4 : 0);
    bytes = inverse_rms + kMaxN * 4;
  }
};

struct KernelArgs {
  GemvArgs of;
  int first_tile[GemvArgs::kMaxMatrices];
  int tiles;
  int tile_rows;      // of each matrix
  int64_t row_bytes;  // of codes
  int groups;         // scales of a row
  int pairs;          // stages of a row
};

// Conversions between integers and floats run at a fraction of the rate of sums. Added to this, an
// integer below 2^22 is the low bits of the float, and the float's bits are the integer's plus
// these.
constexpr float kIntegers = 12582912.0f;  // 1.5 * 2^23
constexpr int kIntegerBits = 0x4b400000;

__device__ inline float to_float(int biased) { return __int_as_float(biased) - kIntegers; }

// Four values below 128, each rounded to the nearest integer, as bytes.
__device__ inline uint32_t pack(float a, float b, float c, float d) {
  const auto bits = [](float v) { return __float_as_uint(__fadd_rn(v, kIntegers)); };
  const uint32_t low = __byte_perm(bits(a), bits(b), 0x0040);
  const uint32_t high = __byte_perm(bits(c), bits(d), 0x0040);
  return __byte_perm(low, high, 0x5410);
}

// What the blocks of a cluster share: each rounds its part of x and writes it to both.
template <int Blocks>
struct Sharing {
  static_assert(Blocks == 1 || Blocks == 2);
  uint32_t own = 0;
  uint32_t offset = 0;  // from an address in this block's shared memory to the other's

  __device__ explicit Sharing(const uint8_t* shared) {
    if constexpr (Blocks > 1) {
      own = block_of_cluster();
      offset = address_in_block(shared, static_cast<int>(own ^ 1u)) - shared_address(shared);
    }
  }
  template <class T>
  __device__ void store(T* to, T value) const {
    *to = value;
    if constexpr (Blocks > 1) store_in_cluster(shared_address(to) + offset, value);
  }
};

// 8 neighbouring columns of a row of x and what the norm multiplies them with.
struct Piece {
  bool present;  // the same in all of a warp: a row is a multiple of its columns
  int row;
  int unit;
  float v[8];
  float w[8];

  __device__ void load(const GemvArgs& of, bool normed, int units, int item) {
    present = item < units * of.n;
    row = item / units;
    unit = item - row * units;
    const bool inside = present && unit * 8 < of.cols;
    const float4 zero = make_float4(0, 0, 0, 0);
    const auto* x =
        reinterpret_cast<const float4*>(of.x + static_cast<int64_t>(row) * of.cols) + 2 * unit;
    *reinterpret_cast<float4*>(v) = inside ? __ldcg(x) : zero;
    *reinterpret_cast<float4*>(v + 4) = inside ? __ldcg(x + 1) : zero;
    if (!normed) return;
    const auto* weight = reinterpret_cast<const float4*>(of.norm_weight) + 2 * unit;
    *reinterpret_cast<float4*>(w) = inside ? __ldg(weight) : zero;
    *reinterpret_cast<float4*>(w + 4) = inside ? __ldg(weight + 1) : zero;
  }
};

// Rounds x to int8 per group. A thread takes 8 neighbouring columns, 16 threads share a group. For
// 4-bit codes the even columns come first, as the nibbles are taken apart.
template <int Bits, int Warps, int Blocks, bool Normed>
__device__ void round_input(const KernelArgs& args, const Layout& layout, uint8_t* shared) {
  const Sharing<Blocks> sharing(shared);
  const GemvArgs& of = args.of;
  const int units = args.pairs * kStageCols / 8;
  auto* scales = reinterpret_cast<float*>(shared + layout.input_scales);
  auto* squares = reinterpret_cast<float*>(shared + layout.squares);
  constexpr int kStride = Blocks * 32 * Warps;
  constexpr int kAtOnce = Normed ? 3 : 6;  // items of a thread whose loads are under way together
  for (int first = threadIdx.x + sharing.own * 32 * Warps; first < units * of.n;
       first += kAtOnce * kStride) {
    Piece pieces[kAtOnce];
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) pieces[i].load(of, Normed, units, first + i * kStride);
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      if (!pieces[i].present) break;
      const int row = pieces[i].row;
      const int unit = pieces[i].unit;
      float(&v)[8] = pieces[i].v;
      float square = 0;
      if (Normed) {
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          square += v[j] * v[j];
          v[j] *= pieces[i].w[j];
        }
      }
      float most = 0;
#pragma unroll
      for (int j = 0; j < 8; ++j) most = fmaxf(most, fabsf(v[j]));
#pragma unroll
      for (int far = 8; far > 0; far /= 2) {
        most = fmaxf(most, __shfl_xor_sync(~0u, most, far, 16));
        if (Normed) square += __shfl_xor_sync(~0u, square, far, 16);
      }
      constexpr float kTiny = 1e-35f;  // 127 / most stays finite
      if (most < kTiny) most = 0;
      const float inverse = most > 0 ? 127.0f / most : 0.0f;
#pragma unroll
      for (int j = 0; j < 8; ++j) v[j] = __fmul_rn(v[j], inverse);
      uint2 packed;
      if (Bits == 4) {
        packed = make_uint2(pack(v[0], v[2], v[4], v[6]), pack(v[1], v[3], v[5], v[7]));
      } else {
        packed = make_uint2(pack(v[0], v[1], v[2], v[3]), pack(v[4], v[5], v[6], v[7]));
      }
      sharing.store(
          reinterpret_cast<uint2*>(shared + layout.input + row * layout.input_stride + unit * 8),
          packed);
      if (unit % 16 == 0) {
        // 4-bit codes are multiplied as 16 times their value.
        const int at = unit / 16 * layout.columns + row;
        sharing.store(scales + at, most / (Bits == 4 ? 127 * 16 : 127));
        if (Normed) sharing.store(squares + at, square);
      }
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
  for (int g = threadIdx.x % 32; g < args.groups; g += 32)
    square += squares[g * layout.columns + row];
#pragma unroll
  for (int far = 16; far > 0; far /= 2) square += __shfl_xor_sync(~0u, square, far);
  if (threadIdx.x % 32 == 0)
    reinterpret_cast<float*>(shared + layout.inverse_rms)[row] =
        rsqrtf(square / static_cast<float>(args.of.cols) + args.of.eps);
}

// Where a tile's rows lie. The last tile of a matrix reaches back over rows of the one before it
// rather than past the end.
struct Tile {
  int matrix;  // the first of a gated pair
  int row;     // the tile's first
  int skip;    // rows that the tile before has, too

  __device__ Tile(const KernelArgs& args, int tile) {
    matrix = 0;
    for (int m = 1; m < args.of.count && !args.of.gated; ++m)
      if (tile >= args.first_tile[m]) matrix = m;
    const int first = (tile - args.first_tile[matrix]) * args.tile_rows;
    row = min(first, args.of.matrices[matrix].rows - args.tile_rows);
    skip = first - row;
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
    if (tile_ < args_.tiles) seek();
  }

  __device__ const uint8_t* slot() const { return ring_ + slot_ * kStage; }
  __device__ void next_slot() { slot_ = slot_ + 1 == Depth ? 0 : slot_ + 1; }

  /// Starts the next stage's copies into the current slot. Pieces of odd rows are swapped so that
  /// eight lanes of a fragment read different banks.
  __device__ void issue() {
    if (tile_ < args_.tiles) {
      const int lane = threadIdx.x % 32;
      const int piece = lane % kPieces;
      const int first = lane / kPieces;
      const int swapped = piece ^ ((first & 1) * (Bits == 4 ? 4 : 1));
      const bool present = pair_ * kStageCols + piece * (128 / Bits) < args_.of.cols;
      const int64_t offset = present ? pair_ * kRowBytes : 0;
      const int64_t jump = int64_t{kRowsAtOnce} * args_.row_bytes;
      uint8_t* slot = ring_ + slot_ * kStage;
      uint8_t* to = slot + first * kRowBytes + swapped * 16;
      const uint8_t* low = low_ + offset;
      const uint8_t* high = high_ + offset;
#pragma unroll
      for (int i = 0; i < kTileRows / 2 / kRowsAtOnce; ++i) {
        copy16(to, low, present);
        copy16(to + kTileRows / 2 * kRowBytes, high, present);
        to += kRowsAtOnce * kRowBytes;
        low += jump;
        high += jump;
      }
      if (lane < kTileRows) copy4(slot + kTileRows * kRowBytes + lane * 4, scales_ + pair_ * 2);
      if (++pair_ == end_) {
        pair_ = begin_;
        next_tile();
      }
    }
    commit_copies();
  }

 private:
  static constexpr int kRowsAtOnce = 32 / kPieces;  // that a warp copies

  // Where this lane's pieces of a tile's upper and lower half, and its scales, lie.
  __device__ void seek() {
    const GemvArgs& of = args_.of;
    const Tile tile(args_, tile_);
    const GemvMatrix& upper = of.matrices[tile.matrix];
    const GemvMatrix& lower = of.matrices[tile.matrix + (of.gated ? 1 : 0)];
    const int lower_row = tile.row + (of.gated ? 0 : kTileRows / 2);
    const int lane = threadIdx.x % 32;
    const int64_t at = (lane / kPieces) * args_.row_bytes + lane % kPieces * 16;
    low_ = upper.codes + tile.row * args_.row_bytes + at;
    high_ = lower.codes + lower_row * args_.row_bytes + at;
    const bool is_lower = lane % kTileRows >= kTileRows / 2;
    const int scale_row = (is_lower ? lower_row : tile.row) + lane % (kTileRows / 2);
    scales_ = (is_lower ? lower : upper).scales + static_cast<int64_t>(scale_row) * args_.groups;
    regular_ = args_.first_tile[tile.matrix] + upper.rows / args_.tile_rows;
  }

  __device__ void next_tile() {
    tile_ += gridDim.x;
    if (tile_ < regular_) {
      const int64_t rows = static_cast<int64_t>(gridDim.x) * args_.tile_rows;
      low_ += rows * args_.row_bytes;
      high_ += rows * args_.row_bytes;
      scales_ += rows * args_.groups;
    } else if (tile_ < args_.tiles) {
      seek();
    }
  }

  const KernelArgs& args_;
  uint8_t* ring_;
  int begin_, end_;
  int tile_, pair_;
  int slot_ = 0;
  const uint8_t* low_ = nullptr;
  const uint8_t* high_ = nullptr;
  const __half* scales_ = nullptr;
  int regular_ = 0;  // tiles before this one follow at equal distances
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
                                      const float* input_scales, int columns, int pair, int n,
                                      float (&sums)[4]) {
  const int g = threadIdx.x % 32 / 4;
  const int t = threadIdx.x % 4;
  const int column = 2 * t < columns ? 2 * t : 0;  // rows of x past the end are not used
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
    int c[4] = {kIntegerBits, kIntegerBits, kIntegerBits, kIntegerBits};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint32_t a[4] = {top[2 * i], bottom[2 * i], top[2 * i + 1], bottom[2 * i + 1]};
      multiply_s8(a, b[2 * i], b[2 * i + 1], c);
    }
    const float2 of_x = *reinterpret_cast<const float2*>(input_scales + group * columns + column);
    const float top_scale = j == 0 ? low.x : low.y;
    const float bottom_scale = j == 0 ? high.x : high.y;
    sums[0] += to_float(c[0]) * (top_scale * of_x.x);
    sums[1] += to_float(c[1]) * (top_scale * of_x.y);
    sums[2] += to_float(c[2]) * (bottom_scale * of_x.x);
    sums[3] += to_float(c[3]) * (bottom_scale * of_x.y);
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
    const Tile tile(args, tile_index);
    if (r < tile.skip || r >= args.tile_rows || k >= of.n) return;
    const GemvMatrix& matrix = of.matrices[tile.matrix];
    const int row = tile.row + r;
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

template <int Bits, int Warps, int Depth, int Blocks>
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

  if constexpr (Blocks > 1) arrive_in_cluster();
  const int begin = warp * args.pairs / Warps;
  const int end = (warp + 1) * args.pairs / Warps;
  Stream<Bits, Depth> stream(args, shared + warp * Depth * stage_bytes(Bits), begin, end);
#pragma unroll 1
  for (int i = 0; i < Depth; ++i) {
    stream.issue();
    stream.next_slot();
  }
  let_next_start();
  wait_for_previous();
  if constexpr (Blocks > 1) wait_for_cluster();  // the others' shared memory is there
  if (args.of.norm_weight != nullptr)
    round_input<Bits, Warps, Blocks, true>(args, layout, shared);
  else
    round_input<Bits, Warps, Blocks, false>(args, layout, shared);
  if constexpr (Blocks > 1) {
    arrive_in_cluster();
    wait_for_cluster();
  } else {
    __syncthreads();
  }
  find_rms<Warps>(args, layout, shared);

  int half = 0;
  for (int tile = blockIdx.x; tile < args.tiles; tile += gridDim.x) {
    const Result result(args, tile);
    float part[4] = {};
#pragma unroll 1
    for (int pair = begin; pair < end; ++pair) {
      wait_copies<Depth - 1>();
      __syncwarp();
      multiply_stage<Bits>(stream.slot(), input, layout.input_stride, input_scales, layout.columns,
                           pair, n, part);
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

template <int Bits, int Warps, int Depth, int Blocks>
void launch(const KernelArgs& args, int blocks, bool overlap, cudaStream_t stream) {
  const int shared = Layout(Warps * Depth * stage_bytes(Bits), Warps, args.of.n, args.of.cols,
                            args.of.norm_weight != nullptr)
                         .bytes;
  const auto kernel = gemv_kernel<Bits, Warps, Depth, Blocks>;
  allow_shared(kernel, shared);
  Launch launch(stream, overlap);
  if (Blocks > 1) launch.cluster(Blocks);
  const int grid = (std::min(args.tiles, blocks) + Blocks - 1) / Blocks * Blocks;
  launch.config.gridDim = dim3(static_cast<unsigned>(grid));
  launch.config.blockDim = dim3(32 * Warps);
  launch.config.dynamicSmemBytes = static_cast<size_t>(shared);
  check(cudaLaunchKernelEx(&launch.config, kernel, args), "gemv_int");
}

// As many stages as fit.
template <int Bits, int Warps, int Blocks>
void launch_depth(const KernelArgs& args, const Device& device, bool overlap, cudaStream_t stream) {
  const int rest = Layout(0, Warps, args.of.n, args.of.cols, args.of.norm_weight != nullptr).bytes;
  const int fits = (device.shared_bytes - rest) / (Warps * stage_bytes(Bits));
  if (fits < 1) check(cudaErrorInvalidConfiguration, "gemv_int");
  // Two stages by measurement on an H100: with three or four a step takes 2 to 4 % longer. (So few
  // registers that two blocks find room on a multiprocessor make it a third longer: the next
  // kernel's blocks then come in pairs, and some multiprocessors get none.) Of 8-bit codes a stage
  // is twice as large.
  if (Bits == 4 && fits > 1)
    launch<Bits, Warps, 2, Blocks>(args, device.multiprocessors, overlap, stream);
  else
    launch<Bits, Warps, 1, Blocks>(args, device.multiprocessors, overlap, stream);
}

template <int Blocks>
void launch_bits(const KernelArgs& args, const Device& device, bool overlap, cudaStream_t stream) {
  if (args.of.bits == 4)
    launch_depth<4, kWarps, Blocks>(args, device, overlap, stream);
  else
    launch_depth<8, kWarps, Blocks>(args, device, overlap, stream);
}

}  // namespace

bool gemv_int_takes(const WeightArgs& weight, const Device& device) {
  const bool coded =
      weight.kind == WeightKind::int8 || (weight.kind == WeightKind::int4 && weight.symmetric());
  return coded && weight.round_input && weight.group == kGroup && weight.groups % 2 == 0 &&
         weight.cols % 32 == 0 && weight.rows >= kTileRows &&
         gemv_int_rows(weight.cols, device) > 0;
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
  args.row_bytes = static_cast<int64_t>(of.cols) * of.bits / 8;
  args.tile_rows = of.gated ? kTileRows / 2 : kTileRows;
  for (int m = 0; m < (of.gated ? 1 : of.count); ++m) {
    args.first_tile[m] = args.tiles;
    args.tiles += (of.matrices[m].rows + args.tile_rows - 1) / args.tile_rows;
  }
  // By measurement on an H100: rounding alone is as fast for two rows, 5 % of a step slower for
  // one.
  constexpr int kLeastShared = 3;
  const bool shared = of.n >= kLeastShared && device.overlaps() && device.multiprocessors % 2 == 0;
  shared ? launch_bits<kPair>(args, device, overlap, stream)
         : launch_bits<1>(args, device, overlap, stream);
}

}  // namespace visavis::ops::cuda
