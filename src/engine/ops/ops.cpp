#include "engine/ops/ops.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"

namespace visavis::ops {
namespace {

constexpr int64_t kMlpRowsAtOnce = 1024;  // keeps the middle of a big picture's MLP below 20 MB
constexpr int64_t kFloatBytes = sizeof(float);

// norm(x), from the arena if there is a norm.
View normed(Ops& ops, View x, const LayerNormBefore& norm, tensor::Arena& arena) {
  if (!norm.present()) return x;
  const MutView result = arena.take(DType::f32, x.shape);
  ops.layer_norm(x, norm.weight, norm.bias, norm.eps, result);
  return result;
}

// The same floats seen as another shape.
MutView reshaped(MutView view, const tensor::Shape& shape) {
  return {view.dtype, shape, view.data};
}

}  // namespace

void Ops::project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs,
                  tensor::Arena& arena) {
  const tensor::ArenaScope scope(arena);
  View input = x;
  if (norm.present()) {
    const MutView normed = arena.take(DType::f32, x.shape);
    rms_norm(x, norm.weight, norm.eps, normed);
    input = normed;
  }
  for (const Projection& output : outputs)
    linear(input, *output.weight, {.bias = output.bias}, output.y);
}

void Ops::gated_mlp(View x, const RmsNormBefore& norm, const Weight& gate, const Weight& up,
                    const Weight& down, bool accumulate, tensor::Arena& arena, MutView y) {
  const tensor::ArenaScope scope(arena);
  const MutView gated = arena.take_f32({x.rows(), gate.rows});
  const MutView raised = arena.take_f32({x.rows(), up.rows});
  const std::array<Projection, 2> outputs = {
      {{.weight = &gate, .y = gated}, {.weight = &up, .y = raised}}};
  project(x, norm, outputs, arena);
  silu_multiply(gated, raised);
  linear(gated, down, {.accumulate = accumulate}, y);
}

void Ops::mlp(View x, const LayerNormBefore& norm, const BiasedWeight& fc1, Activation activation,
              const BiasedWeight& fc2, bool accumulate, tensor::Arena& arena, MutView y) {
  const tensor::ArenaScope scope(arena);
  const View input = normed(*this, x, norm, arena);
  const int64_t rows = x.rows();
  const MutView middle = arena.take_f32({std::min(rows, kMlpRowsAtOnce), fc1.weight->rows});
  for (int64_t begin = 0; begin < rows; begin += kMlpRowsAtOnce) {
    const int64_t end = std::min(rows, begin + kMlpRowsAtOnce);
    const MutView part = tensor::slice_rows(middle, 0, end - begin);
    linear(tensor::slice_rows(input, begin, end), *fc1.weight,
           {.bias = fc1.bias, .activation = activation}, part);
    linear(part, *fc2.weight, {.bias = fc2.bias, .accumulate = accumulate},
           tensor::slice_rows(y, begin, end));
  }
}

int64_t mlp_scratch(int64_t rows, int64_t cols, int64_t ffn, bool normed) {
  return (normed ? tensor::Arena::footprint(rows * cols * kFloatBytes) : 0) +
         tensor::Arena::footprint(std::min(rows, kMlpRowsAtOnce) * ffn * kFloatBytes);
}

void Ops::picture_attention(View x, const PictureLayer& layer, tensor::Arena& arena, MutView y) {
  const tensor::ArenaScope scope(arena);
  const int64_t rows = x.rows();
  const int64_t heads = layer.heads;
  const int64_t head_dim = layer.head_dim;
  const int64_t width = heads * head_dim;
  // norm(x) makes room for what attention mixes: nothing reads it any more by then.
  const MutView first = arena.take_f32({rows * std::max(width, x.cols())});
  const MutView mixed{DType::f32, {rows, heads, head_dim}, first.data};
  View input = x;
  if (layer.norm.present()) {
    const MutView normed{DType::f32, x.shape, first.data};
    layer_norm(x, layer.norm.weight, layer.norm.bias, layer.norm.eps, normed);
    input = normed;
  }
  const MutView queries = arena.take_f32({rows, heads, head_dim});
  const MutView keys = arena.take_f32({rows, heads, head_dim});
  const MutView values = arena.take_f32({rows, heads, head_dim});
  linear(input, *layer.q.weight, {.bias = layer.q.bias}, reshaped(queries, {rows, width}));
  linear(input, *layer.k.weight, {.bias = layer.k.bias}, reshaped(keys, {rows, width}));
  linear(input, *layer.v.weight, {.bias = layer.v.bias}, reshaped(values, {rows, width}));
  if (layer.rope != nullptr) {
    rope(*layer.rope, layer.positions, queries);
    rope(*layer.rope, layer.positions, keys);
  }
  segment_attention(queries, keys, values, width, layer.segment_start, layer.longest_segment,
                    1.0f / std::sqrt(static_cast<float>(head_dim)), layer.q.weight->rounds_input(),
                    mixed);
  linear(reshaped(mixed, {rows, width}), *layer.o.weight,
         {.bias = layer.o.bias, .accumulate = true}, y);
}

int64_t picture_attention_scratch(int64_t rows, int64_t cols, int64_t heads, int64_t head_dim) {
  const int64_t width = heads * head_dim;
  return tensor::Arena::footprint(rows * std::max(width, cols) * kFloatBytes) +
         3 * tensor::Arena::footprint(rows * width * kFloatBytes);
}

void Ops::rotary_attention(MutView q, MutView k, View v, const RotaryInput& input,
                           const StepBatch& batch, const KvView& kv, float scale, MutView y) {
  if (input.q_norm.present()) rms_norm(q, input.q_norm.weight, input.q_norm.eps, q);
  if (input.k_norm.present()) rms_norm(k, input.k_norm.weight, input.k_norm.eps, k);
  rope(*input.rope, batch.positions, q);
  rope(*input.rope, batch.positions, k);
  write_kv(k, v, batch, kv);
  cached_attention(q, batch, kv, scale, y);
}

void Ops::run_step(uint64_t /*key*/, const std::function<void()>& step) { step(); }

void Ops::quantize(View /*host*/, const Coding& /*coding*/, MutView /*codes*/, MutView /*scales*/) {
  fail("quantize: ", description(), " does not quantise");
}

void Ops::sample(View /*logits*/, const Draw& /*draw*/, MutView /*id*/) {
  fail("sample: ", description(), " leaves sampling to the host");
}

}  // namespace visavis::ops
