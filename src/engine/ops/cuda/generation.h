// What generation runs instead of the single operations: a few rows at a time, one per sequence.
#pragma once

#include <span>

#include "engine/ops/cuda/args.h"
#include "engine/ops/cuda/memory.h"
#include "engine/ops/ops.h"

namespace visavis::ops::cuda {

/// As kernel tables' rows.
constexpr const char* kGenerationName = "generation";
bool generation_takes_linear(const LinearArgs& args, const Device& device);
void generation_linear(const LinearArgs& args, Context& context);

/// The fused forms. project and rotary_attention do nothing and return false where they have no
/// kernel.
class Generation {
 public:
  Generation(Context& context, const std::shared_ptr<Counters>& counters);

  bool project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs);
  bool takes_gate(int64_t n, const Weight& gate, const Weight& up) const;
  /// gated = silu(gate norm(x)) * (up norm(x)).
  void gate(View x, const RmsNormBefore& norm, const Weight& gate, const Weight& up, MutView gated);
  bool rotary_attention(View q, View k, View v, const RotaryInput& input, const BatchArgs& batch,
                        const KvArgs& kv, float scale, MutView y);
  void arg_max(View logits, MutView ids);

 private:
  Context& context_;
  Buffer state_;  // zero between launches
};

}  // namespace visavis::ops::cuda
