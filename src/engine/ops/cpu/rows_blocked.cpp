// Norms, gating and rotation on top of the vectorised row functions: threads and row addresses.
#include "engine/ops/cpu/kernels.h"
#include "engine/ops/cpu/rows_simd.h"

namespace visavis::ops {
namespace {

void rms_norm_with(const RowsSimd& simd, const NormArgs& args, CpuContext& context) {
  context.pool.parallel_for(args.n, grain_for(args.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      simd.rms_norm(args.x + i * args.cols, args.weight, args.cols, args.eps,
                    args.y + i * args.cols);
  });
}

void layer_norm_with(const RowsSimd& simd, const NormArgs& args, CpuContext& context) {
  context.pool.parallel_for(args.n, grain_for(args.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      simd.layer_norm(args.x + i * args.cols, args.weight, args.bias, args.cols, args.eps,
                      args.y + i * args.cols);
  });
}

void silu_multiply_with(const RowsSimd& simd, const SiluArgs& args, CpuContext& context) {
  context.pool.parallel_for(args.count, grain_for(2), [&](int64_t begin, int64_t end) {
    simd.silu_multiply(args.gate + begin, args.up + begin, end - begin);
  });
}

void rope_with(const RowsSimd& simd, const RopeArgs& args, CpuContext& context) {
  const int64_t width = args.heads * args.pairs * 2;
  context.pool.parallel_for(args.tokens, grain_for(width), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token)
      for (int64_t head = 0; head < args.heads; ++head) {
        float* first = args.x + token * width + head * args.pairs * 2;
        simd.rotate(args.cosine + token * args.pairs, args.sine + token * args.pairs, args.pairs,
                    first, first + args.pairs);
      }
  });
}

}  // namespace

void rms_norm_avx2(const NormArgs& args, CpuContext& context) {
  rms_norm_with(*rows_simd_avx2(), args, context);
}
void rms_norm_avx512(const NormArgs& args, CpuContext& context) {
  rms_norm_with(*rows_simd_avx512(), args, context);
}
void layer_norm_avx2(const NormArgs& args, CpuContext& context) {
  layer_norm_with(*rows_simd_avx2(), args, context);
}
void layer_norm_avx512(const NormArgs& args, CpuContext& context) {
  layer_norm_with(*rows_simd_avx512(), args, context);
}
void silu_multiply_avx2(const SiluArgs& args, CpuContext& context) {
  silu_multiply_with(*rows_simd_avx2(), args, context);
}
void silu_multiply_avx512(const SiluArgs& args, CpuContext& context) {
  silu_multiply_with(*rows_simd_avx512(), args, context);
}
void rope_avx2(const RopeArgs& args, CpuContext& context) {
  rope_with(*rows_simd_avx2(), args, context);
}
void rope_avx512(const RopeArgs& args, CpuContext& context) {
  rope_with(*rows_simd_avx512(), args, context);
}

}  // namespace visavis::ops
