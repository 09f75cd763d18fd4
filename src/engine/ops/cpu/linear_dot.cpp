// linear over interleaved weights on top of the vectorised parts: x rounded to int8 once, then
// tasks for the threads.
#include "engine/ops/cpu/linear_dot.h"

#include <algorithm>
#include <array>
#include <span>
#include <variant>

#include "engine/ops/cpu/activation.h"
#include "engine/ops/cpu/kernels.h"
#include "engine/ops/cpu/linear_simd.h"
#include "engine/tensor/interleave.h"

namespace visavis::ops {
namespace {

constexpr int64_t kRows = tensor::kInterleavedRows;
// Row blocks of one task of many tokens: their unpacked block of columns (8 KB) stays in the
// first-, their results (128 KB) in the second-level cache.
constexpr int64_t kTaskBlocks = 4;
constexpr int64_t kTaskTokens = 512;

int64_t floats_for(int64_t bytes) { return (bytes + 3) / 4; }

struct DotRowsOf {
  const Weight& weight;

  std::optional<DotRows> operator()(const tensor::Int8& int8) const {
    if (!int8.interleaved) return std::nullopt;
    return rows(8, int8.codes, int8.scales, int8.group);
  }
  std::optional<DotRows> operator()(const tensor::Int4& int4) const {
    if (!int4.interleaved) return std::nullopt;
    return rows(4, int4.codes, int4.scales, int4.group);
  }
  std::optional<DotRows> operator()(const tensor::Dense&) const { return std::nullopt; }
  std::optional<DotRows> operator()(const tensor::BlockQ&) const { return std::nullopt; }

 private:
  DotRows rows(int bits, const Buffer& codes, const Buffer& scales, int64_t group) const {
    const int64_t cols = tensor::interleaved_cols(weight.cols);
    constexpr int64_t kKept = int64_t{4} << 20;  // bytes of codes
    return {.bits = bits,
            .codes = codes.as<uint8_t>(),
            .scales = scales.as<uint16_t>(),
            .cols = cols,
            .block_bytes = cols * kRows * bits / 8,
            .groups = tensor::groups_of(weight.cols, group),
            .block = group == 0 ? kDotBlock : group,
            .passes = codes.bytes() > kKept};
  }
};

// Scratch for rows of x as int8.
class RoundedInput {
 public:
  RoundedInput(CpuContext& context, const DotRows& weight, int64_t n)
      : blocks_((weight.cols + weight.block - 1) / weight.block),
        lease_(context.scratch.take(2 * n * blocks_ + floats_for(n * weight.cols))) {
    float* at = lease_.floats();
    input_ = {.codes = reinterpret_cast<int8_t*>(at + 2 * n * blocks_),
              .scales = at,
              .sums = reinterpret_cast<int32_t*>(at + n * blocks_),
              .cols = weight.cols,
              .blocks = blocks_};
  }

  const DotInput& get() const { return input_; }

  void round(const DotSimd& simd, const DotRows& weight, const float* x, int64_t cols,
             int64_t row) const {
    simd.quantize(x, cols, weight.cols, weight.block, input_.codes + row * input_.cols,
                  input_.scales + row * blocks_, input_.sums + row * blocks_);
  }

 private:
  int64_t blocks_;
  Scratch::Lease lease_;
  DotInput input_{};
};

// What is done to sums on their way to y.
using Finish = decltype(LinearSimd::finish);

// One call of linear, or of a few linears of the same x.
class DotProduct {
 public:
  DotProduct(const DotSimd& simd, Finish finish, std::span<const LinearArgs> linears,
             CpuContext& context)
      : simd_(simd), finish_(finish), linears_(linears), context_(context) {
    for (const LinearArgs& args : linears) {
      parts_[count_].weight = *dot_rows(*args.weight);
      parts_[count_++].first_block = row_blocks_;
      row_blocks_ += (args.weight->rows + kRows - 1) / kRows;
    }
  }

  void run() {
    const LinearArgs& args = linears_.front();
    if (args.n <= kFewDotTokens)
      run_few();
    else
      for (int64_t first = 0; first < args.n; first += kTaskTokens)
        run_many(first, std::min(kTaskTokens, args.n - first));
  }

  static bool takes(std::span<const LinearArgs> linears) {
    const LinearArgs& first = linears.front();
    const int64_t block = dot_rows(*first.weight)->block;
    return first.n <= kFewDotTokens && linears.size() <= kMostLinears &&
           std::all_of(linears.begin(), linears.end(), [&](const LinearArgs& args) {
             return args.weight->cols == first.weight->cols &&
                    dot_rows(*args.weight)->block == block;
           });
  }

  // Every row of x is rounded once for all linears, whose row blocks follow one another.
  void run_few() {
    const RoundedInput x(context_, parts_[0].weight, linears_.front().n);
    round_few(x);
    const auto body = [&](int64_t begin, int64_t end) {
      for (size_t i = 0; i < count_; ++i) {
        const int64_t first = parts_[i].first_block;
        const int64_t last = i + 1 < count_ ? parts_[i + 1].first_block : row_blocks_;
        few_of(i, std::max(begin, first) - first, std::min(end, last) - first, x.get());
      }
    };
    context_.pool.parallel_for(row_blocks_, few_grain(), body);
  }

 private:
  struct Part {
    DotRows weight;
    int64_t first_block;  // of all linears' row blocks, one linear after the other
  };

  // Integer products cost about a quarter of what grain_for thinks of.
  int64_t few_grain() const { return grain_for(parts_[0].weight.cols * kRows / 4); }

  void finish(const LinearArgs& args, const float* c, int64_t token, int64_t row,
              int64_t count) const {
    finish_(c, args.bias == nullptr ? nullptr : args.bias + row, args.activation, args.accumulate,
            count, args.y + token * args.weight->rows + row);
  }

  void round_few(const RoundedInput& x) const {
    const LinearArgs& args = linears_.front();
    const int64_t cols = args.weight->cols;
    for (int64_t t = 0; t < args.n; ++t)
      x.round(simd_, parts_[0].weight, args.x + t * cols, cols, t);
  }

  // Starts the stream of codes that few() then keeps going by itself.
  static void prefetch_start(const DotRows& weight, int64_t block) {
    constexpr int64_t kStart = 4096;
    constexpr int64_t kLine = 64;
    const uint8_t* codes = weight.codes + block * weight.block_bytes;
    for (int64_t i = 0; i < std::min(kStart, weight.block_bytes); i += kLine)
      __builtin_prefetch(codes + i);
  }

  // Row blocks [begin, end) of linear i.
  void few_of(size_t i, int64_t begin, int64_t end, const DotInput& x) const {
    if (begin >= end) return;
    const LinearArgs& args = linears_[i];
    prefetch_start(parts_[i].weight, begin);
    float c[kFewDotTokens * kTaskBlocks * kRows];
    for (int64_t block = begin; block < end; block += kTaskBlocks) {
      const int64_t blocks = std::min(kTaskBlocks, end - block);
      simd_.few(parts_[i].weight, block, blocks, x, args.n, c, kTaskBlocks * kRows);
      const int64_t count = std::min(blocks * kRows, args.weight->rows - block * kRows);
      for (int64_t t = 0; t < args.n; ++t)
        finish(args, c + t * kTaskBlocks * kRows, t, block * kRows, count);
    }
  }

  void run_many(int64_t first, int64_t n) {
    const LinearArgs& args = linears_.front();
    const DotRows& weight = parts_[0].weight;
    const RoundedInput x(context_, weight, n);
    const int64_t cols = args.weight->cols;
    context_.pool.parallel_for(n, grain_for(cols), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        x.round(simd_, weight, args.x + (first + t) * cols, cols, t);
    });
    // Smaller tasks where there would not be enough of them for the threads.
    const int64_t blocks =
        std::clamp<int64_t>(row_blocks_ / (4 * context_.pool.threads()), 1, kTaskBlocks);
    const int64_t stride = blocks * kRows;
    const int64_t tile = floats_for(stride * (weight.block + int64_t{sizeof(float)}) + 64);
    const auto body = [&](int64_t begin, int64_t end) {
      Scratch::Lease own = context_.scratch.take(tile + n * stride);
      float* c = own.floats() + tile;
      for (int64_t task = begin; task < end; ++task) {
        const int64_t block = task * blocks;
        const int64_t count = std::min(blocks, row_blocks_ - block);
        simd_.many(weight, block, count, x.get(), n, reinterpret_cast<uint8_t*>(own.floats()), c,
                   stride);
        const int64_t used = std::min(count * kRows, args.weight->rows - block * kRows);
        for (int64_t t = 0; t < n; ++t)
          finish(args, c + t * stride, first + t, block * kRows, used);
      }
    };
    context_.pool.parallel_for((row_blocks_ + blocks - 1) / blocks, 1, body);
  }

  static constexpr size_t kMostLinears = 4;

  const DotSimd& simd_;
  Finish finish_;
  std::span<const LinearArgs> linears_;
  CpuContext& context_;
  std::array<Part, kMostLinears> parts_{};
  size_t count_ = 0;
  int64_t row_blocks_ = 0;  // of all linears
};

bool run_linears(const DotSimd& simd, Finish finish, std::span<const LinearArgs> linears,
                 CpuContext& context) {
  if (!DotProduct::takes(linears)) return false;
  DotProduct(simd, finish, linears, context).run_few();
  return true;
}

}  // namespace

std::optional<DotRows> dot_rows(const Weight& weight) {
  return std::visit(DotRowsOf{weight}, weight.layout);
}

void linear_dot_avx2(const LinearArgs& args, CpuContext& context) {
  DotProduct(*dot_simd_avx2(), linear_simd_avx2()->finish, {&args, 1}, context).run();
}
bool linears_dot_avx2(std::span<const LinearArgs> linears, CpuContext& context) {
  return run_linears(*dot_simd_avx2(), linear_simd_avx2()->finish, linears, context);
}

void linear_dot_avx512vnni(const LinearArgs& args, CpuContext& context) {
  DotProduct(*dot_simd_avx512vnni(), linear_simd_avx512()->finish, {&args, 1}, context).run();
}
bool linears_dot_avx512vnni(std::span<const LinearArgs> linears, CpuContext& context) {
  return run_linears(*dot_simd_avx512vnni(), linear_simd_avx512()->finish, linears, context);
}

void linear_dot_neon(const LinearArgs& args, CpuContext& context) {
  DotProduct(*dot_simd_neon(), finish_plain, {&args, 1}, context).run();
}
bool linears_dot_neon(std::span<const LinearArgs> linears, CpuContext& context) {
  return run_linears(*dot_simd_neon(), finish_plain, linears, context);
}

}  // namespace visavis::ops
