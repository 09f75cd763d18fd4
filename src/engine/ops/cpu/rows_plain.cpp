// References of the operations that work on rows one by one: norms, gating, rotation.
#include <cmath>

#include "engine/ops/cpu/activation.h"
#include "engine/ops/cpu/kernels.h"

namespace visavis::ops {

void rms_norm_plain(const NormArgs& args, CpuContext& context) {
  context.pool.parallel_for(args.n, grain_for(args.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* x = args.x + i * args.cols;
      float* y = args.y + i * args.cols;
      double squares = 0;
      for (int64_t c = 0; c < args.cols; ++c)
        squares += static_cast<double>(x[c]) * static_cast<double>(x[c]);
      const double mean = squares / static_cast<double>(args.cols);
      const auto scale = static_cast<float>(1.0 / std::sqrt(mean + static_cast<double>(args.eps)));
      for (int64_t c = 0; c < args.cols; ++c) y[c] = x[c] * scale * args.weight[c];
    }
  });
}

void layer_norm_plain(const NormArgs& args, CpuContext& context) {
  context.pool.parallel_for(args.n, grain_for(args.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* x = args.x + i * args.cols;
      float* y = args.y + i * args.cols;
      double sum = 0;
      for (int64_t c = 0; c < args.cols; ++c) sum += static_cast<double>(x[c]);
      const double mean = sum / static_cast<double>(args.cols);
      double squares = 0;
      for (int64_t c = 0; c < args.cols; ++c) {
        const double off = static_cast<double>(x[c]) - mean;
        squares += off * off;
      }
      const double variance = squares / static_cast<double>(args.cols);
      const double scale = 1.0 / std::sqrt(variance + static_cast<double>(args.eps));
      for (int64_t c = 0; c < args.cols; ++c) {
        const auto normal = static_cast<float>((static_cast<double>(x[c]) - mean) * scale);
        y[c] = normal * args.weight[c] + args.bias[c];
      }
    }
  });
}

void silu_multiply_plain(const SiluArgs& args, CpuContext& context) {
  context.pool.parallel_for(args.count, grain_for(4), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) args.gate[i] = silu(args.gate[i]) * args.up[i];
  });
}

void rope_plain(const RopeArgs& args, CpuContext& context) {
  const int64_t width = args.heads * args.pairs * 2;
  context.pool.parallel_for(args.tokens, grain_for(width), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const float* cosine = args.cosine + token * args.pairs;
      const float* sine = args.sine + token * args.pairs;
      for (int64_t head = 0; head < args.heads; ++head) {
        float* first = args.x + token * width + head * args.pairs * 2;
        float* second = first + args.pairs;
        for (int64_t j = 0; j < args.pairs; ++j) {
          const float a = first[j];
          const float b = second[j];
          first[j] = a * cosine[j] - b * sine[j];
          second[j] = b * cosine[j] + a * sine[j];
        }
      }
    }
  });
}

}  // namespace visavis::ops
