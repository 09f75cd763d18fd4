// linear on top of the vectorised parts: which memory a weight has, how x is prepared, and how the
// product is cut into blocks that stay in the caches and into tasks for the threads.
#include <cassert>
#include <cstring>
#include <optional>
#include <span>
#include <variant>

#include "engine/ops/cpu/kernels.h"
#include "engine/ops/cpu/linear_simd.h"

namespace visavis::ops {
namespace {

// A block of decoded weights (kRowBlock x kColumnBlock floats, 160 KB) stays in the second-level
// cache while kTokenBlock rows of x pass by it.
constexpr int64_t kRowBlock = 64;
constexpr int64_t kTokenBlock = 192;
// Prepared copies of x are made for so many tokens at a time, which bounds the scratch memory.
constexpr int64_t kPreparedTokens = 2 * kTokenBlock;
// Rows that are dequantised whole where the codes have no decoder here.
constexpr int64_t kWholeRowBlock = 16;

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// What the decoders can read, or nothing for the layouts that only dequantize_row knows.
struct RowsOf {
  int64_t cols = 0;

  std::optional<WeightRows> operator()(const tensor::Dense& dense) const {
    WeightRows rows = plain(dense.values, cols * tensor::size_of(dense.dtype));
    switch (dense.dtype) {
      case DType::f32:
        rows.codes = Codes::f32;
        return rows;
      case DType::bf16:
        rows.codes = Codes::bf16;
        return rows;
      case DType::f16:
        rows.codes = Codes::f16;
        return rows;
      default:
        return std::nullopt;
    }
  }
  std::optional<WeightRows> operator()(const tensor::Int8& int8) const {
    WeightRows rows = plain(int8.codes, cols);
    rows.codes = Codes::i8;
    if (!set_groups(int8.group, int8.scales, rows)) return std::nullopt;
    return rows;
  }
  std::optional<WeightRows> operator()(const tensor::Int4& int4) const {
    WeightRows rows = plain(int4.codes, (cols + 1) / 2);
    rows.codes = Codes::u4;
    if (!set_groups(int4.group, int4.scales, rows)) return std::nullopt;
    if (int4.zero == tensor::ZeroPoint::u4) {
      rows.zeros_u4 = int4.zeros.as<uint8_t>();
      rows.zero_row_bytes = (rows.groups + 1) / 2;
    }
    if (int4.zero == tensor::ZeroPoint::f16) rows.zeros_f16 = int4.zeros.as<uint16_t>();
    if (int4.lookup) rows.levels = int4.lookup->data();
    return rows;
  }
  std::optional<WeightRows> operator()(const tensor::BlockQ&) const { return std::nullopt; }

 private:
  WeightRows plain(const Buffer& data, int64_t row_bytes) const {
    return {.codes = Codes::f32,
            .data = data.as<uint8_t>(),
            .cols = cols,
            .row_bytes = row_bytes,
            .group = cols,
            .groups = 1,
            .scales = nullptr,
            .zeros_u4 = nullptr,
            .zero_row_bytes = 0,
            .zeros_f16 = nullptr,
            .levels = nullptr};
  }
  bool set_groups(int64_t group, const Buffer& scales, WeightRows& rows) const {
    rows.groups = tensor::groups_of(cols, group);
    rows.scales = scales.as<uint16_t>();
    if (group != 0 && group < cols) rows.group = group;
    return rows.group == cols || rows.group % 32 == 0;
  }
};

// One call of linear.
class Product {
 public:
  Product(const LinearSimd& simd, const LinearArgs& args, CpuContext& context)
      : simd_(simd),
        args_(args),
        context_(context),
        weight_(*args.weight),
        rows_(std::visit(RowsOf{args.weight->cols}, args.weight->layout)),
        padded_(round_up(weight_.cols, 2 * simd.lanes)),
        split_(rows_ && rows_->codes == Codes::u4) {
    if (const auto* int4 = std::get_if<tensor::Int4>(&weight_.layout); int4 != nullptr && rows_)
      permutation_ = int4->permutation.as<int32_t>();
  }

  void run() {
    if (rows_ && args_.n <= kFewTokens)
      run_few();
    else
      for (int64_t first = 0; first < args_.n; first += kPreparedTokens)
        run_many(first, std::min(kPreparedTokens, args_.n - first));
  }

 private:
  bool needs_preparation() const {
    return split_ || permutation_ != nullptr || padded_ != weight_.cols;
  }

  void prepare_row(const float* x, float* out) const {
    const int64_t cols = weight_.cols;
    const int64_t step = 2 * simd_.lanes;
    const auto at = [&](int64_t i) { return permutation_ == nullptr ? x[i] : x[permutation_[i]]; };
    if (!split_) {
      std::memcpy(out, x, static_cast<size_t>(cols) * sizeof(float));
      std::fill(out + cols, out + padded_, 0.0f);
      return;
    }
    for (int64_t k = 0; k < padded_; k += step)
      for (int64_t i = 0; i < simd_.lanes; ++i) {
        const int64_t even = k + 2 * i;
        out[k + i] = even < cols ? at(even) : 0.0f;
        out[k + simd_.lanes + i] = even + 1 < cols ? at(even + 1) : 0.0f;
      }
  }

  void finish(const float* c, int64_t token, int64_t row, int64_t count) const {
    simd_.finish(c, args_.bias == nullptr ? nullptr : args_.bias + row, args_.activation,
                 args_.accumulate, count, args_.y + token * weight_.rows + row);
  }

  // Decoding: weights are read once, multiplied as they are decoded.
  void run_few() {
    Scratch::Lease lease = context_.scratch.take(needs_preparation() ? args_.n * padded_ : 1);
    const float* x = args_.x;
    if (needs_preparation()) {
      for (int64_t t = 0; t < args_.n; ++t)
        prepare_row(args_.x + t * weight_.cols, lease.floats() + t * padded_);
      x = lease.floats();
    }
    const auto body = [&](int64_t begin, int64_t end) {
      float c[kFewTokens * kRowBlock];
      for (int64_t row = begin; row < end; row += kRowBlock) {
        const int64_t count = std::min(kRowBlock, end - row);
        simd_.few(*rows_, row, count, x, padded_, args_.n, c, kRowBlock);
        for (int64_t t = 0; t < args_.n; ++t) finish(c + t * kRowBlock, t, row, count);
      }
    };
    context_.pool.parallel_for(weight_.rows, round_up(grain_for(weight_.cols), 8), body);
  }

  // Prompts and pictures: blocks of weights are decoded once and reused by many tokens.
  void run_many(int64_t first, int64_t n) {
    Scratch::Lease lease = context_.scratch.take(needs_preparation() ? n * padded_ : 1);
    const float* x = args_.x + first * weight_.cols;
    if (needs_preparation()) {
      context_.pool.parallel_for(n, grain_for(padded_), [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t)
          prepare_row(args_.x + (first + t) * weight_.cols, lease.floats() + t * padded_);
      });
      x = lease.floats();
    }
    const int64_t token_blocks = (n + kTokenBlock - 1) / kTokenBlock;
    // Smaller blocks of rows where there would not be enough of them for the threads.
    const int64_t wanted = 4 * context_.pool.threads();
    const int64_t most = rows_ ? kRowBlock : kWholeRowBlock;
    const int64_t block =
        std::clamp<int64_t>(round_up(weight_.rows * token_blocks / wanted, 4), 4, most);
    const int64_t row_blocks = (weight_.rows + block - 1) / block;
    const auto body = [&](int64_t begin, int64_t end) {
      const int64_t tile = rows_ ? block * kColumnBlock : block * padded_;
      Scratch::Lease own = context_.scratch.take(tile + kTokenBlock * block);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t token = task / row_blocks * kTokenBlock;
        const int64_t row = task % row_blocks * block;
        const int64_t tokens = std::min(kTokenBlock, n - token);
        const int64_t rows = std::min(block, weight_.rows - row);
        float* c = own.floats() + tile;
        multiply_block(row, rows, x + token * padded_, tokens, own.floats(), c, block);
        for (int64_t t = 0; t < tokens; ++t) finish(c + t * block, first + token + t, row, rows);
      }
    };
    context_.pool.parallel_for(row_blocks * token_blocks, 1, body);
  }

  // c[t, r] for one block; `tile` is room for the decoded weights.
  void multiply_block(int64_t row, int64_t rows, const float* x, int64_t tokens, float* tile,
                      float* c, int64_t c_stride) const {
    const int64_t full = round_up(rows, 4);  // the micro-kernel takes four rows at a time
    if (!rows_) {
      for (int64_t r = 0; r < full; ++r) {
        float* out = tile + r * padded_;
        if (r < rows)
          tensor::dequantize_row(weight_, row + r,
                                 std::span<float>(out, static_cast<size_t>(weight_.cols)));
        std::fill(r < rows ? out + weight_.cols : out, out + padded_, 0.0f);
      }
    }
    for (int64_t k = 0; k < padded_; k += kColumnBlock) {
      const int64_t width = std::min(kColumnBlock, padded_ - k);
      if (rows_) {
        for (int64_t r = 0; r < full; ++r) {
          float* out = tile + r * width;
          if (r < rows)
            simd_.decode(*rows_, row + r, k, std::min(k + width, weight_.cols), out);
          else
            std::fill(out, out + width, 0.0f);
        }
      }
      const float* w = rows_ ? tile : tile + k;
      simd_.multiply(w, rows_ ? width : padded_, full, x + k, padded_, tokens, width, k > 0, c,
                     c_stride);
    }
  }

  const LinearSimd& simd_;
  const LinearArgs& args_;
  CpuContext& context_;
  const Weight& weight_;
  std::optional<WeightRows> rows_;
  int64_t padded_;
  bool split_;                            // u4 codes come out even columns first
  const int32_t* permutation_ = nullptr;  // of the input, or null
};

}  // namespace

void linear_avx2(const LinearArgs& args, CpuContext& context) {
  Product(*linear_simd_avx2(), args, context).run();
}

void linear_avx512(const LinearArgs& args, CpuContext& context) {
  Product(*linear_simd_avx512(), args, context).run();
}

}  // namespace visavis::ops
