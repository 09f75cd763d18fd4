#include "engine/ops/cuda/generation.h"

#include <algorithm>

#include "engine/ops/cuda/arg_max.h"
#include "engine/ops/cuda/decode_attention.h"
#include "engine/ops/cuda/gemv_int.h"
#include "engine/ops/cuda/weight_args.h"

namespace visavis::ops::cuda {
namespace {

constexpr int64_t kMostRows = GemvArgs::kMaxRows;
constexpr int64_t kMostArrivals = 8192;  // sequences x key/value heads of one step

const float* floats_or_null(const View& view) {
  return view.data == nullptr ? nullptr : view.f32();
}

GemvMatrix matrix_of(const WeightArgs& weight, const float* bias, float* y) {
  GemvMatrix matrix;
  matrix.codes = static_cast<const uint8_t*>(weight.values);
  matrix.scales = static_cast<const __half*>(weight.scales);
  matrix.bias = bias;
  matrix.y = y;
  matrix.rows = static_cast<int>(weight.rows);
  return matrix;
}

// Runs `args` over n rows, as many at a time as fit.
void run_rows(GemvArgs args, int64_t n, const WeightArgs& weight, const Context& context) {
  args.cols = static_cast<int>(weight.cols);
  args.bits = weight.kind == WeightKind::int4 ? 4 : 8;
  const int64_t most = gemv_int_rows(weight.cols, context.device);
  for (int64_t row = 0; row < n; row += most) {
    args.n = static_cast<int>(std::min(most, n - row));
    gemv_int(args, context.device, context.device.overlaps(), context.stream);
    args.x += most * weight.cols;
    for (int m = 0; m < args.count; ++m)
      if (args.matrices[m].y != nullptr) args.matrices[m].y += most * args.matrices[m].rows;
  }
}

// Whether one launch can serve both.
bool alike(const WeightArgs& a, const WeightArgs& b) {
  return a.kind == b.kind && a.cols == b.cols;
}

}  // namespace

bool generation_takes_linear(const LinearArgs& args, const Device& device) {
  return args.n <= kMostRows && args.activation == Activation::none &&
         gemv_int_takes(args.weight, device);
}

void generation_linear(const LinearArgs& args, Context& context) {
  GemvArgs gemv;
  gemv.x = args.x;
  gemv.count = 1;
  gemv.accumulate = args.accumulate;
  gemv.matrices[0] = matrix_of(args.weight, args.bias, args.y);
  run_rows(gemv, args.n, args.weight, context);
}

Generation::Generation(Context& context, const std::shared_ptr<Counters>& counters)
    : context_(context),
      state_(allocate_device(kArgMaxState + kMostArrivals * int64_t{sizeof(int32_t)},
                             context.device.index, counters)) {
  check(cudaMemsetAsync(state_.data(), 0, static_cast<size_t>(state_.bytes()), context.stream),
        "clearing counters");
}

bool Generation::project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs) {
  const int64_t n = x.rows();
  if (n < 1 || n > kMostRows || outputs.empty() || outputs.size() > GemvArgs::kMaxMatrices)
    return false;
  GemvArgs gemv;
  WeightArgs first;
  for (const Projection& output : outputs) {
    const WeightArgs weight = weight_args(*output.weight);
    if (gemv.count == 0) first = weight;
    if (!gemv_int_takes(weight, context_.device) || !alike(weight, first)) return false;
    gemv.matrices[gemv.count++] = matrix_of(weight, floats_or_null(output.bias), output.y.f32());
  }
  gemv.x = x.f32();
  gemv.norm_weight = floats_or_null(norm.weight);
  gemv.eps = norm.eps;
  run_rows(gemv, n, first, context_);
  return true;
}

bool Generation::takes_gate(int64_t n, const Weight& gate, const Weight& up) const {
  const WeightArgs first = weight_args(gate);
  const WeightArgs second = weight_args(up);
  return n >= 1 && n <= kMostRows && alike(first, second) && first.rows == second.rows &&
         gemv_int_takes(first, context_.device) && gemv_int_takes(second, context_.device);
}

void Generation::gate(View x, const RmsNormBefore& norm, const Weight& gate, const Weight& up,
                      MutView gated) {
  const WeightArgs first = weight_args(gate);
  GemvArgs gemv;
  gemv.x = x.f32();
  gemv.norm_weight = floats_or_null(norm.weight);
  gemv.eps = norm.eps;
  gemv.gated = true;
  gemv.count = 2;
  gemv.matrices[0] = matrix_of(first, nullptr, gated.f32());
  gemv.matrices[1] = matrix_of(weight_args(up), nullptr, nullptr);
  run_rows(gemv, x.rows(), first, context_);
}

bool Generation::rotary_attention(View q, View k, View v, const RotaryInput& input,
                                  const BatchArgs& batch, const KvArgs& kv, float scale,
                                  MutView y) {
  DecodeAttentionArgs args;
  args.q = q.f32();
  args.k = k.f32();
  args.v = v.f32();
  args.y = y.f32();
  args.heads = q.shape[1];
  args.q_norm = floats_or_null(input.q_norm.weight);
  args.k_norm = floats_or_null(input.k_norm.weight);
  args.q_eps = input.q_norm.eps;
  args.k_eps = input.k_norm.eps;
  args.rope = rope_frequencies(*input.rope);
  args.batch = batch;
  args.kv = kv;
  args.scale = scale;
  if (batch.sequences * kv.kv_heads > kMostArrivals || !decode_attention_takes(args)) return false;
  split_pages(args, context_.device);
  const int64_t floats =
      decode_attention_floats(batch.sequences, args.heads, kv.head_dim, args.splits);
  args.partial = static_cast<float*>(
      context_.scratch->take(kScratchSplits, static_cast<size_t>(floats) * sizeof(float)));
  args.arrived = reinterpret_cast<int32_t*>(state_.data() + kArgMaxState);
  decode_attention(args, context_.device.overlaps(), context_.stream);
  return true;
}

void Generation::arg_max(View logits, MutView ids) {
  arg_max_split(logits.f32(), logits.rows(), logits.cols(), ids.i32(), state_.data(),
                context_.device.overlaps(), context_.stream);
}

}  // namespace visavis::ops::cuda
