#include "engine/nn/mlp.h"

#include <array>

namespace visavis::nn {
namespace {

constexpr int64_t kFloatBytes = sizeof(float);

}  // namespace

void GatedMlp::add_to(ops::Ops& ops, const RmsNorm& norm, tensor::Arena& arena,
                      ops::MutView x) const {
  const tensor::ArenaScope scope(arena);
  if (gate.bias.data() == nullptr && up.bias.data() == nullptr && down.bias.data() == nullptr) {
    ops.gated_mlp(x, norm.before(), gate.weight, up.weight, down.weight, true, arena, x);
    return;
  }
  const ops::MutView gated = arena.take_f32({x.rows(), gate.rows()});
  const ops::MutView raised = arena.take_f32({x.rows(), up.rows()});
  ops.project(x, norm.before(), std::array{gate.into(gated), up.into(raised)}, arena);
  ops.silu_multiply(gated, raised);
  down.run(ops, gated, x, ops::Activation::none, true);
}

int64_t GatedMlp::scratch(int64_t tokens, int64_t width, int64_t ffn) {
  return tensor::Arena::footprint(tokens * width * kFloatBytes) +
         2 * tensor::Arena::footprint(tokens * ffn * kFloatBytes);
}

void Mlp::run(ops::Ops& ops, ops::View x, tensor::Arena& arena, ops::MutView y) const {
  ops.mlp(x, {}, fc1.parts(), activation, fc2.parts(), false, arena, y);
}

void Mlp::add_to(ops::Ops& ops, const LayerNorm& norm, tensor::Arena& arena, ops::MutView x) const {
  ops.mlp(x, norm.before(), fc1.parts(), activation, fc2.parts(), true, arena, x);
}

int64_t Mlp::scratch(int64_t rows, int64_t ffn) { return ops::mlp_scratch(rows, 0, ffn, false); }

int64_t Mlp::add_scratch(int64_t rows, int64_t width, int64_t ffn) {
  return ops::mlp_scratch(rows, width, ffn, true);
}

}  // namespace visavis::nn
