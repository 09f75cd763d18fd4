#include "engine/nn/linear.h"

namespace visavis::nn {

void Linear::run(ops::Ops& ops, ops::View x, ops::MutView y, ops::Activation activation,
                 bool accumulate) const {
  ops.linear(x, weight,
             {.bias = vector_view(bias), .activation = activation, .accumulate = accumulate}, y);
}

ops::Projection Linear::into(ops::MutView y) const {
  return {.weight = &weight, .bias = vector_view(bias), .y = y};
}

ops::BiasedWeight Linear::parts() const { return {&weight, vector_view(bias)}; }

ops::View vector_view(const tensor::Buffer& buffer) {
  if (buffer.data() == nullptr) return {};
  return {
      tensor::DType::f32, {buffer.bytes() / static_cast<int64_t>(sizeof(float))}, buffer.data()};
}

}  // namespace visavis::nn
