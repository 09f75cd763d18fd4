// The reference for every weight layout: dequantise a row, one dot product per row of x.
#include <span>

#include "engine/ops/cpu/activation.h"
#include "engine/ops/cpu/kernels.h"

namespace visavis::ops {

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
        const float value = activate(args.activation, static_cast<float>(sum));
        float& y = args.y[i * weight.rows + r];
        y = args.accumulate ? y + value : value;
      }
    }
  };
  context.pool.parallel_for(weight.rows, grain_for(cols * (args.n + 1)), rows_of_weight);
}

}  // namespace visavis::ops
