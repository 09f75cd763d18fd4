// linear over interleaved weights on top of the vectorised parts: x rounded to int8 once, then
// tasks for the threads.
#include "engine/ops/cpu/linear_dot.h"

#include <algorithm>
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
    return {.bits = bits,
            .codes = codes.as<uint8_t>(),
            .scales = scales.as<uint16_t>(),
            .cols = cols,
            .block_bytes = cols * kRows * bits / 8,
            .groups = tensor::groups_of(weight.cols, group),
            .block = group == 0 ? kDotBlock : group};
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

// One call of linear.
class DotProduct {
 public:
  DotProduct(const DotSimd& simd, Finish finish, const LinearArgs& args, CpuContext& context)
      : simd_(simd),
        finish_(finish),
        args_(args),
        context_(context),
        weight_(*dot_rows(*args.weight)) {}

  void run() {
    if (args_.n <= kFewDotTokens)
      run_few();
    else
      for (int64_t first = 0; first < args_.n; first += kTaskTokens)
        run_many(first, std::min(kTaskTokens, args_.n - first));
  }

 private:
  int64_t rows() const { return args_.weight->rows; }
  int64_t row_blocks() const { return (rows() + kRows - 1) / kRows; }

  void finish(const float* c, int64_t token, int64_t row, int64_t count) const {
    finish_(c, args_.bias == nullptr ? nullptr : args_.bias + row, args_.activation,
            args_.accumulate, count, args_.y + token * rows() + row);
  }

  void run_few() {
    const RoundedInput x(context_, weight_, args_.n);
    const int64_t cols = args_.weight->cols;
    for (int64_t t = 0; t < args_.n; ++t) x.round(simd_, weight_, args_.x + t * cols, cols, t);
    const auto body = [&](int64_t begin, int64_t end) {
      float c[kFewDotTokens * kTaskBlocks * kRows];
      for (int64_t block = begin; block < end; block += kTaskBlocks) {
        const int64_t blocks = std::min(kTaskBlocks, end - block);
        simd_.few(weight_, block, blocks, x.get(), args_.n, c, kTaskBlocks * kRows);
        const int64_t count = std::min(blocks * kRows, rows() - block * kRows);
        for (int64_t t = 0; t < args_.n; ++t)
          finish(c + t * kTaskBlocks * kRows, t, block * kRows, count);
      }
    };
    // Integer products cost about a quarter of what grain_for thinks of.
    context_.pool.parallel_for(row_blocks(), grain_for(weight_.cols * kRows / 4), body);
  }

  void run_many(int64_t first, int64_t n) {
    const RoundedInput x(context_, weight_, n);
    const int64_t cols = args_.weight->cols;
    context_.pool.parallel_for(n, grain_for(cols), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        x.round(simd_, weight_, args_.x + (first + t) * cols, cols, t);
    });
    // Smaller tasks where there would not be enough of them for the threads.
    const int64_t blocks =
        std::clamp<int64_t>(row_blocks() / (4 * context_.pool.threads()), 1, kTaskBlocks);
    const int64_t stride = blocks * kRows;
    const int64_t tile = floats_for(stride * (weight_.block + int64_t{sizeof(float)}) + 64);
    const auto body = [&](int64_t begin, int64_t end) {
      Scratch::Lease own = context_.scratch.take(tile + n * stride);
      float* c = own.floats() + tile;
      for (int64_t task = begin; task < end; ++task) {
        const int64_t block = task * blocks;
        const int64_t count = std::min(blocks, row_blocks() - block);
        simd_.many(weight_, block, count, x.get(), n, reinterpret_cast<uint8_t*>(own.floats()), c,
                   stride);
        const int64_t used = std::min(count * kRows, rows() - block * kRows);
        for (int64_t t = 0; t < n; ++t) finish(c + t * stride, first + t, block * kRows, used);
      }
    };
    context_.pool.parallel_for((row_blocks() + blocks - 1) / blocks, 1, body);
  }

  const DotSimd& simd_;
  Finish finish_;
  const LinearArgs& args_;
  CpuContext& context_;
  DotRows weight_;
};

}  // namespace

std::optional<DotRows> dot_rows(const Weight& weight) {
  return std::visit(DotRowsOf{weight}, weight.layout);
}

void linear_dot_avx2(const LinearArgs& args, CpuContext& context) {
  DotProduct(*dot_simd_avx2(), linear_simd_avx2()->finish, args, context).run();
}

void linear_dot_avx512vnni(const LinearArgs& args, CpuContext& context) {
  DotProduct(*dot_simd_avx512vnni(), linear_simd_avx512()->finish, args, context).run();
}

void linear_dot_neon(const LinearArgs& args, CpuContext& context) {
  DotProduct(*dot_simd_neon(), finish_plain, args, context).run();
}

}  // namespace visavis::ops
