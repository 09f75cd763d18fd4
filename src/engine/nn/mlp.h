// The two feed-forward shapes: gated (text) and plain (vision towers, mergers, projectors).
#pragma once

#include "engine/nn/linear.h"
#include "engine/nn/norm.h"
#include "engine/tensor/buffer.h"

namespace visavis::nn {

/// down(silu(gate norm(x)) * up norm(x))
struct GatedMlp {
  Linear gate;
  Linear up;
  Linear down;

  int64_t bytes() const { return gate.bytes() + up.bytes() + down.bytes(); }
  /// x += mlp(norm(x)); x [tokens, width].
  void add_to(ops::Ops& ops, const RmsNorm& norm, tensor::Arena& arena, ops::MutView x) const;
  /// Bytes that add_to takes from the arena.
  static int64_t scratch(int64_t tokens, int64_t width, int64_t ffn);
};

/// fc2(activation(fc1 x))
struct Mlp {
  Linear fc1;
  Linear fc2;
  ops::Activation activation = ops::Activation::gelu_erf;

  int64_t bytes() const { return fc1.bytes() + fc2.bytes(); }
  /// y = mlp(x).
  void run(ops::Ops& ops, ops::View x, tensor::Arena& arena, ops::MutView y) const;
  /// x += mlp(norm(x)).
  void add_to(ops::Ops& ops, const LayerNorm& norm, tensor::Arena& arena, ops::MutView x) const;
  /// Bytes that run takes from the arena.
  static int64_t scratch(int64_t rows, int64_t ffn);
  /// Bytes that add_to takes.
  static int64_t add_scratch(int64_t rows, int64_t width, int64_t ffn);
};

}  // namespace visavis::nn
