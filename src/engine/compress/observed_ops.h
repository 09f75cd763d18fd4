// Stands between a model and its backend and shows what chosen linear layers read. Operations that
// would fuse a chosen layer with others run in their composed form instead, and steps are not
// replayed, so that every input passes here.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/ops/forwarding_ops.h"

namespace visavis::compress {

/// Rows of f32 [n, cols], on the host until the call returns.
using SeeRows =
    std::function<void(const std::string& weight, std::span<const float> rows, int64_t cols)>;

class ObservedOps : public ops::ForwardingOps {
 public:
  using Chosen = std::function<bool(const std::string& weight)>;

  /// `input` sees what a chosen layer multiplies, `state` the same before the norm that a step
  /// applies first: the model's hidden state. Either may be null.
  ObservedOps(std::unique_ptr<ops::Ops> inner, Chosen chosen, SeeRows input, SeeRows state);

  void linear(ops::View x, const ops::Weight& weight, const ops::Epilogue& epilogue,
              ops::MutView y) override;
  void project(ops::View x, const ops::RmsNormBefore& norm,
               std::span<const ops::Projection> outputs, tensor::Arena& arena) override;
  void gated_mlp(ops::View x, const ops::RmsNormBefore& norm, const ops::Weight& gate,
                 const ops::Weight& up, const ops::Weight& down, bool accumulate,
                 tensor::Arena& arena, ops::MutView y) override;
  void run_step(uint64_t key, const std::function<void()>& step) override;

 private:
  void show(const SeeRows& see, const std::string& weight, ops::View x);

  Chosen chosen_;
  SeeRows input_;
  SeeRows state_;
};

}  // namespace visavis::compress
