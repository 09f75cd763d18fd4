// The activation functions on one f32, as the oracle defines them.
#pragma once

#include <cmath>

#include "engine/ops/ops.h"

namespace visavis::ops {

inline float silu(float x) { return x / (1.0f + std::exp(-x)); }

/// `activation` applied to x.
inline float activate(Activation activation, float x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu_erf:
      return 0.5f * x * (1.0f + std::erf(x * 0.70710678118654752f));
    case Activation::gelu_tanh:
      return 0.5f * x * (1.0f + std::tanh(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case Activation::quick_gelu:
      return x / (1.0f + std::exp(-1.702f * x));
    case Activation::silu:
      return silu(x);
  }
  return x;
}

}  // namespace visavis::ops
