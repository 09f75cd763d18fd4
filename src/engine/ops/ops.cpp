#include "engine/ops/ops.h"

namespace visavis::ops {

void Ops::gated_mlp(View x, const Weight& gate, const Weight& up, const Weight& down,
                    bool accumulate, tensor::Arena& arena, MutView y) {
  const tensor::ArenaScope scope(arena);
  const MutView gated = arena.take_f32({x.rows(), gate.rows});
  const MutView raised = arena.take_f32({x.rows(), up.rows});
  linear(x, gate, {}, gated);
  linear(x, up, {}, raised);
  silu_multiply(gated, raised);
  linear(gated, down, {.accumulate = accumulate}, y);
}

}  // namespace visavis::ops
