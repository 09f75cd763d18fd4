#include "engine/nn/norm.h"

#include "engine/nn/linear.h"

namespace visavis::nn {

void RmsNorm::run(ops::Ops& ops, ops::View x, ops::MutView y) const {
  ops.rms_norm(x, vector_view(weight), eps, y);
}

ops::RmsNormBefore RmsNorm::before() const { return {.weight = vector_view(weight), .eps = eps}; }

void LayerNorm::run(ops::Ops& ops, ops::View x, ops::MutView y) const {
  ops.layer_norm(x, vector_view(weight), vector_view(bias), eps, y);
}

ops::LayerNormBefore LayerNorm::before() const {
  return {.weight = vector_view(weight), .bias = vector_view(bias), .eps = eps};
}

}  // namespace visavis::nn
