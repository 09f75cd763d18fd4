#include "engine/nn/mlp.h"

#include <algorithm>
#include <array>

namespace visavis::nn {
namespace {

constexpr int64_t kRowsAtOnce = 1024;  // keeps the middle of a big picture's MLP below 20 MB
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

void Mlp::run(ops::Ops& ops, ops::View x, tensor::Arena& arena, ops::MutView y,
              bool accumulate) const {
  const tensor::ArenaScope scope(arena);
  const int64_t rows = x.rows();
  const ops::MutView middle = arena.take_f32({std::min(rows, kRowsAtOnce), fc1.rows()});
  for (int64_t begin = 0; begin < rows; begin += kRowsAtOnce) {
    const int64_t end = std::min(rows, begin + kRowsAtOnce);
    const ops::MutView part = tensor::slice_rows(middle, 0, end - begin);
    fc1.run(ops, tensor::slice_rows(x, begin, end), part, activation);
    fc2.run(ops, part, tensor::slice_rows(y, begin, end), ops::Activation::none, accumulate);
  }
}

int64_t Mlp::scratch(int64_t rows, int64_t ffn) {
  return tensor::Arena::footprint(std::min(rows, kRowsAtOnce) * ffn * kFloatBytes);
}

}  // namespace visavis::nn
