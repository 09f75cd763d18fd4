#include "engine/compress/observed_ops.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace visavis::compress {

ObservedOps::ObservedOps(std::unique_ptr<ops::Ops> inner, Chosen chosen, SeeRows input,
                         SeeRows state)
    : ForwardingOps(std::move(inner)),
      chosen_(std::move(chosen)),
      input_(std::move(input)),
      state_(std::move(state)) {}

void ObservedOps::show(const SeeRows& see, const std::string& weight, ops::View x) {
  if (!see || x.rows() == 0) return;
  std::vector<float> rows(static_cast<size_t>(x.shape.elements()));
  inner().download(x, rows.data());
  see(weight, rows, x.cols());
}

void ObservedOps::linear(ops::View x, const ops::Weight& weight, const ops::Epilogue& epilogue,
                         ops::MutView y) {
  if (chosen_(weight.name)) show(input_, weight.name, x);
  inner().linear(x, weight, epilogue, y);
}

void ObservedOps::project(ops::View x, const ops::RmsNormBefore& norm,
                          std::span<const ops::Projection> outputs, tensor::Arena& arena) {
  const auto chosen =
      std::find_if(outputs.begin(), outputs.end(),
                   [this](const ops::Projection& output) { return chosen_(output.weight->name); });
  if (chosen == outputs.end()) {
    inner().project(x, norm, outputs, arena);
    return;
  }
  if (norm.present()) show(state_, chosen->weight->name, x);
  Ops::project(x, norm, outputs, arena);
}

void ObservedOps::gated_mlp(ops::View x, const ops::RmsNormBefore& norm, const ops::Weight& gate,
                            const ops::Weight& up, const ops::Weight& down, bool accumulate,
                            tensor::Arena& arena, ops::MutView y) {
  if (chosen_(gate.name) || chosen_(up.name) || chosen_(down.name))
    Ops::gated_mlp(x, norm, gate, up, down, accumulate, arena, y);
  else
    inner().gated_mlp(x, norm, gate, up, down, accumulate, arena, y);
}

void ObservedOps::run_step(uint64_t, const std::function<void()>& step) { step(); }

}  // namespace visavis::compress
