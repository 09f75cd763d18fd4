#include "engine/ops/ops.h"

#include <array>

namespace visavis::ops {

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

}  // namespace visavis::ops
