// A linear layer as models hold it: a weight in any layout and an optional bias. Which kernel runs
// is the Ops' business.
#pragma once

#include "engine/ops/ops.h"
#include "engine/tensor/buffer.h"
#include "engine/tensor/weight.h"

namespace visavis::nn {

struct Linear {
  tensor::Weight weight;
  tensor::Buffer bias;  // f32 [rows], or empty

  int64_t rows() const { return weight.rows; }
  int64_t cols() const { return weight.cols; }
  int64_t bytes() const { return weight.bytes() + bias.bytes(); }

  /// y[n, rows] = activation(x[n, cols] W^T + bias) (+ y if accumulate). x and y f32, apart.
  void run(ops::Ops& ops, ops::View x, ops::MutView y,
           ops::Activation activation = ops::Activation::none, bool accumulate = false) const;
  /// This layer as one of several of the same input; y f32 [n, rows].
  ops::Projection into(ops::MutView y) const;
  /// For operations that fuse it with others.
  ops::BiasedWeight parts() const;
};

/// The f32 vector that a buffer holds; an empty buffer gives an empty view.
ops::View vector_view(const tensor::Buffer& buffer);

}  // namespace visavis::nn
