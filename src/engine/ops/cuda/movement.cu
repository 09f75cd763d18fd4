// Operations that move, add or look up memory: bound by bandwidth, so one version each.
#include "engine/ops/cuda/value.cuh"

namespace visavis::ops::cuda {
namespace {

constexpr int kThreads = 256;

__device__ int64_t row_at(const int32_t* rows, int64_t i) { return rows == nullptr ? i : rows[i]; }

enum class Move { add, set, gather };

template <Move move>
__global__ void move_kernel(const float* from, const int32_t* rows, int64_t n, int64_t cols,
                            float* to) {
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= n * cols) return;
  const int64_t other = row_at(rows, at / cols) * cols + at % cols;
  if (move == Move::add) to[other] += from[at];
  if (move == Move::set) to[other] = from[at];
  if (move == Move::gather) to[at] = from[other];
}

template <Move move>
void run_move(const float* from, const int32_t* rows, int64_t n, int64_t cols, float* to,
              Context& context, const char* what) {
  if (n * cols == 0) return;
  const auto blocks = static_cast<unsigned>((n * cols + kThreads - 1) / kThreads);
  move_kernel<move><<<blocks, kThreads, 0, context.stream>>>(from, rows, n, cols, to);
  launched(what);
}

__global__ void embed_kernel(WeightArgs table, const int32_t* ids, float* x) {
  const int64_t row = ids[blockIdx.x];
  float* to = x + int64_t{blockIdx.x} * table.cols;
  for (int64_t c = threadIdx.x; c < table.cols; c += kThreads)
    to[input_column(table, c)] = weight_value(table, row, c);
}

__device__ void store(float* to, float value) { *to = value; }
__device__ void store(__half* to, float value) { *to = __float2half_rn(value); }
__device__ void store(int8_t* to, float value) { *to = static_cast<int8_t>(rintf(value)); }

constexpr int kKvThreads = 128;

// A block stores one head of one token: keys at a distance of a page, values side by side.
template <class T>
__device__ void store_row(const float* from, int64_t dim, T* to, int64_t stride, float* scale) {
  __shared__ float room[kKvThreads / kWarp];
  float inverse = 1;
  if (sizeof(T) == 1) {
    constexpr float kTiny = 1e-35f;  // 127 / size stays finite
    float size = 0;
    for (int64_t d = threadIdx.x; d < dim; d += kKvThreads) size = fmaxf(size, fabsf(from[d]));
    size = block_max(size, room);
    inverse = size > kTiny ? 127.0f / size : 0.0f;
    if (threadIdx.x == 0) *scale = size > kTiny ? size / 127.0f : 0.0f;
  }
  for (int64_t d = threadIdx.x; d < dim; d += kKvThreads) store(to + d * stride, from[d] * inverse);
}

template <class T>
__global__ void write_kv_kernel(WriteKvArgs args) {
  const KvArgs& kv = args.kv;
  const int64_t token = blockIdx.x;
  const int64_t head = blockIdx.y;
  const int64_t dim = kv.head_dim;
  const int64_t slot = args.slots[token];
  const int64_t part = slot / kv.page_size * kv.kv_heads + head;
  const int64_t offset = slot % kv.page_size;
  const int64_t position = part * kv.page_size + offset;
  const int64_t from = (token * kv.kv_heads + head) * dim;
  store_row(args.k + from, dim, static_cast<T*>(kv.k) + part * dim * kv.page_size + offset,
            kv.page_size, kv.k_scales + position);
  store_row(args.v + from, dim, static_cast<T*>(kv.v) + position * dim, 1, kv.v_scales + position);
}

struct GridPoint {
  int64_t low, high;
  float fraction;
};

// linspace(0, side - 1, points) in f32, counted from the nearer end as the oracle does; no product
// is fused into a sum.
__device__ GridPoint grid_point(int64_t side, int64_t points, int64_t i) {
  const auto last = static_cast<float>(side - 1);
  const float step = points > 1 ? last / static_cast<float>(points - 1) : 0.0f;
  const float at = i < points / 2 || points == 1
                       ? __fmul_rn(step, static_cast<float>(i))
                       : __fsub_rn(last, __fmul_rn(step, static_cast<float>(points - 1 - i)));
  const auto low = static_cast<int64_t>(at);
  return {low, min(low + 1, side - 1), at - static_cast<float>(low)};
}

__global__ void position_grid_kernel(const float* grid, int64_t side, int64_t h, int64_t w,
                                     int64_t merge, int64_t dim, float* y) {
  // Merge order: block row, block column, row in block, column in block.
  const int64_t i = blockIdx.x;
  const int64_t block = i / (merge * merge);
  const int64_t inside = i % (merge * merge);
  const GridPoint r = grid_point(side, h, block / (w / merge) * merge + inside / merge);
  const GridPoint c = grid_point(side, w, block % (w / merge) * merge + inside % merge);
  const float* corner[4] = {
      grid + (r.low * side + c.low) * dim, grid + (r.low * side + c.high) * dim,
      grid + (r.high * side + c.low) * dim, grid + (r.high * side + c.high) * dim};
  const float share[4] = {(1 - r.fraction) * (1 - c.fraction), (1 - r.fraction) * c.fraction,
                          r.fraction * (1 - c.fraction), r.fraction * c.fraction};
  for (int64_t d = threadIdx.x; d < dim; d += kThreads)
    y[i * dim + d] += share[0] * corner[0][d] + share[1] * corner[1][d] + share[2] * corner[2][d] +
                      share[3] * corner[3][d];
}

// A block makes one row.
__global__ void cut_patches_kernel(CutPatchesArgs args) {
  const int64_t merge = args.merge;
  const int64_t block = blockIdx.x / (merge * merge);
  const int64_t inside = blockIdx.x % (merge * merge);
  const int64_t row = block / (args.grid_w / merge) * merge + inside / merge;
  const int64_t column = block % (args.grid_w / merge) * merge + inside % merge;
  const uint8_t* corner =
      args.pixels + (row * args.patch_h * args.width + column * args.patch_w) * 3;
  const auto patch_w = static_cast<int>(args.patch_w);
  const auto patch = static_cast<int>(args.patch_h) * patch_w;
  const int values = 3 * static_cast<int>(args.copies) * patch;
  float* y = args.y + blockIdx.x * static_cast<int64_t>(values);
  for (int i = static_cast<int>(threadIdx.x); i < values; i += kThreads) {
    const int channel = i / (static_cast<int>(args.copies) * patch);
    const int line = i % patch / patch_w;
    const uint8_t value = corner[(line * args.width + i % patch_w) * 3 + channel];
    y[i] = args.levels[channel * 256 + value];
  }
}

// A block scales one row.
__global__ void scale_beyond_kernel(int64_t length, const int32_t* positions, int64_t cols,
                                    float* x) {
  const int32_t position = positions[blockIdx.x];
  if (position < length) return;
  const auto scale =
      static_cast<float>(log(static_cast<double>(position) + 1) / log(static_cast<double>(length)));
  float* row = x + blockIdx.x * cols;
  for (int64_t i = threadIdx.x; i < cols; i += kThreads) row[i] *= scale;
}

}  // namespace

void scale_beyond(int64_t length, const int32_t* positions, int64_t n, int64_t cols, float* x,
                  Context& context) {
  if (n == 0) return;
  scale_beyond_kernel<<<static_cast<unsigned>(n), kThreads, 0, context.stream>>>(length, positions,
                                                                                 cols, x);
  launched("scale_beyond");
}

void add_rows(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
              Context& context) {
  run_move<Move::add>(y, rows, n, cols, x, context, "add_rows");
}

void cut_patches(const CutPatchesArgs& args, Context& context) {
  const int64_t rows = args.grid_h * args.grid_w;
  if (rows == 0) return;
  cut_patches_kernel<<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(args);
  launched("cut_patches");
}

void set_rows(const float* y, const int32_t* rows, int64_t n, int64_t cols, float* x,
              Context& context) {
  run_move<Move::set>(y, rows, n, cols, x, context, "set_rows");
}

void gather_rows(const float* x, const int32_t* rows, int64_t n, int64_t cols, float* y,
                 Context& context) {
  run_move<Move::gather>(x, rows, n, cols, y, context, "gather_rows");
}

void embed(const WeightArgs& table, const int32_t* ids, int64_t n, float* x, Context& context) {
  if (n == 0) return;
  embed_kernel<<<static_cast<unsigned>(n), kThreads, 0, context.stream>>>(table, ids, x);
  launched("embed");
}

void write_kv(const WriteKvArgs& args, Context& context) {
  if (args.tokens == 0) return;
  const dim3 grid(static_cast<unsigned>(args.tokens), static_cast<unsigned>(args.kv.kv_heads));
  switch (args.kv.type) {
    case KvType::f32:
      write_kv_kernel<float><<<grid, kKvThreads, 0, context.stream>>>(args);
      break;
    case KvType::f16:
      write_kv_kernel<__half><<<grid, kKvThreads, 0, context.stream>>>(args);
      break;
    case KvType::i8:
      write_kv_kernel<int8_t><<<grid, kKvThreads, 0, context.stream>>>(args);
      break;
  }
  launched("write_kv");
}

void add_position_grid(const float* grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                       int64_t dim, float* y, Context& context) {
  if (h * w == 0) return;
  position_grid_kernel<<<static_cast<unsigned>(h * w), kThreads, 0, context.stream>>>(
      grid, side, h, w, merge, dim, y);
  launched("add_position_grid");
}

int code_that_runs() {
  cudaFuncAttributes attributes{};
  const cudaError_t error = cudaFuncGetAttributes(&attributes, position_grid_kernel);
  if (error != cudaSuccess) {
    cudaGetLastError();  // only asked; nothing failed
    return 0;
  }
  // Code that the driver made of PTX has the device's own version, but only what the PTX has.
  const int written_for = attributes.ptxVersion > 0 ? attributes.ptxVersion : 1000;
  return attributes.binaryVersion < written_for ? attributes.binaryVersion : written_for;
}

}  // namespace visavis::ops::cuda
