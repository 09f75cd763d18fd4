// linear over dense bf16 weights on top of the vectorised parts: x rounded once, then tasks for the
// threads.
#include "engine/ops/cpu/linear_bf16.h"

#include <algorithm>
#include <variant>

#include "engine/ops/cpu/kernels.h"
#include "engine/ops/cpu/linear_simd.h"

namespace visavis::ops {
namespace {

// Rows of x that share one unpacking of the weights; their results (128 KB) stay in the
// second-level cache.
constexpr int64_t kTaskTokens = 512;

class Bf16Product {
 public:
  Bf16Product(const Bf16Simd& simd, const LinearSimd& rows, const LinearArgs& args,
              CpuContext& context)
      : simd_(simd),
        rows_(rows),
        args_(args),
        context_(context),
        cols_(args.weight->cols),
        padded_((cols_ + 31) / 32 * 32),
        weight_(std::get<tensor::Dense>(args.weight->layout).values.as<uint16_t>()) {}

  void run() {
    for (int64_t first = 0; first < args_.n; first += kTaskTokens)
      run_tokens(first, std::min(kTaskTokens, args_.n - first));
  }

 private:
  void run_tokens(int64_t first, int64_t n) {
    Scratch::Lease lease = context_.scratch.take((n * padded_ + 1) / 2);
    auto* x = reinterpret_cast<uint16_t*>(lease.floats());
    context_.pool.parallel_for(n, grain_for(cols_), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        simd_.round(args_.x + (first + t) * cols_, cols_, padded_, x + t * padded_);
    });
    const int64_t rows = args_.weight->rows;
    const int64_t tasks = (rows + kBf16Rows - 1) / kBf16Rows;
    const auto body = [&](int64_t begin, int64_t end) {
      Scratch::Lease own = context_.scratch.take(kBf16Rows * (kBf16Columns / 2 + n));
      float* c = own.floats() + kBf16Rows * kBf16Columns / 2;
      for (int64_t row = begin * kBf16Rows; row < std::min(end * kBf16Rows, rows);
           row += kBf16Rows) {
        const int64_t count = std::min(kBf16Rows, rows - row);
        simd_.multiply(weight_ + row * cols_, count, cols_, x, padded_, n,
                       reinterpret_cast<uint16_t*>(own.floats()), c);
        for (int64_t t = 0; t < n; ++t)
          rows_.finish(c + t * kBf16Rows, args_.bias == nullptr ? nullptr : args_.bias + row,
                       args_.activation, args_.accumulate, count,
                       args_.y + (first + t) * rows + row);
      }
    };
    context_.pool.parallel_for(tasks, 1, body);
  }

  const Bf16Simd& simd_;
  const LinearSimd& rows_;
  const LinearArgs& args_;
  CpuContext& context_;
  int64_t cols_;
  int64_t padded_;
  const uint16_t* weight_;
};

}  // namespace

void linear_avx512bf16(const LinearArgs& args, CpuContext& context) {
  Bf16Product(*bf16_simd_avx512bf16(), *linear_simd_avx512(), args, context).run();
}

}  // namespace visavis::ops
