// The references for every weight layout: dequantise a row, one dot product per row of x. Where
// rows are interleaved x is rounded first, as linear_dot.h says.
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "engine/ops/cpu/activation.h"
#include "engine/ops/cpu/kernels.h"
#include "engine/ops/cpu/linear_dot.h"
#include "engine/tensor/interleave.h"

namespace visavis::ops {
namespace {

void write(const LinearArgs& args, int64_t token, int64_t row, float sum) {
  finish_plain(&sum, nullptr, args.activation, args.accumulate, 1,
               args.y + token * args.weight->rows + row);
}

// One block of a row of x; returns its scale.
float round_block(const float* x, int64_t count, int8_t* codes) {
  float size = 0;
  for (int64_t i = 0; i < count; ++i) size = std::max(size, std::abs(x[i]));
  const bool tiny = !(size > kTinyActivation);
  const float inverse = tiny ? 0.0f : 127.0f / size;
  for (int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
  return tiny ? 0.0f : size / 127.0f;
}

int code_at(const Weight& weight, const DotRows& rows, int64_t row, int64_t col) {
  return rows.bits == 4 ? tensor::interleaved_int4(rows.codes, weight.cols, row, col) - 8
                        : tensor::interleaved_int8(reinterpret_cast<const int8_t*>(rows.codes),
                                                   weight.cols, row, col);
}

}  // namespace

void linear_dot_plain(const LinearArgs& args, CpuContext& context) {
  const Weight& weight = *args.weight;
  const DotRows rows = *dot_rows(weight);
  const int64_t blocks = (weight.cols + rows.block - 1) / rows.block;
  std::vector<int8_t> codes(static_cast<size_t>(args.n * weight.cols));
  std::vector<float> scales(static_cast<size_t>(args.n * blocks));
  for (int64_t t = 0; t < args.n; ++t)
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t at = t * weight.cols + b * rows.block;
      scales[static_cast<size_t>(t * blocks + b)] = round_block(
          args.x + at, std::min(rows.block, weight.cols - b * rows.block), codes.data() + at);
    }
  const auto rows_of_weight = [&](int64_t begin, int64_t end) {
    std::vector<int> row(static_cast<size_t>(weight.cols));
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t c = 0; c < weight.cols; ++c)
        row[static_cast<size_t>(c)] = code_at(weight, rows, r, c);
      for (int64_t t = 0; t < args.n; ++t) {
        float acc = 0;
        for (int64_t b = 0; b < blocks; ++b) {
          int32_t sum = 0;
          for (int64_t c = b * rows.block; c < std::min((b + 1) * rows.block, weight.cols); ++c)
            sum += row[static_cast<size_t>(c)] * codes[static_cast<size_t>(t * weight.cols + c)];
          const int64_t at = tensor::interleaved_scale_at(r, rows.groups == 1 ? 0 : b, rows.groups);
          const tensor::F16 scale{rows.scales[at]};
          acc =
              std::fma(static_cast<float>(sum),
                       tensor::to_float(scale) * scales[static_cast<size_t>(t * blocks + b)], acc);
        }
        write(args, t, r, args.bias == nullptr ? acc : acc + args.bias[r]);
      }
    }
  };
  context.pool.parallel_for(weight.rows, grain_for(weight.cols * (args.n + 1)), rows_of_weight);
}

void linear_plain(const LinearArgs& args, CpuContext& context) {
  const Weight& weight = *args.weight;
  const int64_t cols = weight.cols;
  const auto rows_of_weight = [&](int64_t begin, int64_t end) {
    Scratch::Lease lease = context.scratch.take(cols);
    const std::span<float> row(lease.floats(), static_cast<size_t>(cols));
    for (int64_t r = begin; r < end; ++r) {
      tensor::dequantize_row(weight, r, row);
      for (int64_t i = 0; i < args.n; ++i) {
        const float* x = args.x + i * cols;
        double sum = 0;
        for (int64_t c = 0; c < cols; ++c)
          sum += static_cast<double>(x[c]) * static_cast<double>(row[static_cast<size_t>(c)]);
        if (args.bias != nullptr) sum += static_cast<double>(args.bias[r]);
        write(args, i, r, static_cast<float>(sum));
      }
    }
  };
  context.pool.parallel_for(weight.rows, grain_for(cols * (args.n + 1)), rows_of_weight);
}

}  // namespace visavis::ops
