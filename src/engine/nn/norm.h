// Normalisation over the last axis: RMSNorm (text) and LayerNorm (vision). Weights are f32 whatever
// the checkpoint stores.
#pragma once

#include "engine/ops/ops.h"
#include "engine/tensor/buffer.h"

namespace visavis::nn {

struct RmsNorm {
  tensor::Buffer weight;  // f32 [width]
  float eps = 1e-6f;

  bool present() const { return weight.data() != nullptr; }
  int64_t bytes() const { return weight.bytes(); }
  /// y = x / rms(x) * weight; y may be x.
  void run(ops::Ops& ops, ops::View x, ops::MutView y) const;
  /// For operations that apply it to what they read.
  ops::RmsNormBefore before() const;
};

struct LayerNorm {
  tensor::Buffer weight;  // f32 [width]
  tensor::Buffer bias;    // f32 [width]
  float eps = 1e-6f;

  int64_t bytes() const { return weight.bytes() + bias.bytes(); }
  /// y = (x - mean) / sqrt(variance + eps) * weight + bias; y may be x.
  void run(ops::Ops& ops, ops::View x, ops::MutView y) const;
  /// For operations that apply it to what they read.
  ops::LayerNormBefore before() const;
};

}  // namespace visavis::nn
