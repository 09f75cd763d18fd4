// The activation functions on f32, as the oracle defines them.
#pragma once

#include <cmath>
#include <cstdint>

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

/// y[i] (+)= activation(c[i] + bias[i]) for i < count; bias may be null.
inline void finish_plain(const float* c, const float* bias, Activation activation, bool accumulate,
                         int64_t count, float* y) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = activate(activation, bias == nullptr ? c[i] : c[i] + bias[i]);
    y[i] = accumulate ? y[i] + value : value;
  }
}

}  // namespace visavis::ops
