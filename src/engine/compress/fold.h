// Moves scales between layers without changing what the model computes: what a norm or a linear
// layer gives is divided, what the next layers multiply it with is multiplied by the same. Which
// scales pay is awq.h's business.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint/tensor_source.h"
#include "engine/compress/export_packed.h"

namespace visavis::compress {

/// Two places between which nothing but element-wise products and weighted means over tokens
/// happens.
struct FoldPlace {
  std::string before;              // a norm's weight, or a matrix that is coded
  std::string bias;                // of that matrix; empty: none
  std::vector<std::string> after;  // matrices that are coded; all read the same inputs
  int64_t outputs = 0;             // of `before`
  // Attention heads that read the same values: input h * head_dim + d of `after` comes from output
  // h / sharing * head_dim + d. 1: input i comes from output i.
  int64_t sharing = 1;
  int64_t head_dim = 0;

  int64_t output_of(int64_t input) const {
    return sharing == 1 ? input : input / head_dim / sharing * head_dim + input % head_dim;
  }
};

/// The places of the decoder layers that follow LLaMA's names: input norm and q, k, v; v and o;
/// post-attention norm and gate, up; up and down. Places with a matrix that is not coded are left
/// out.
std::vector<FoldPlace> fold_places(const checkpoint::TensorSource& source, const Codings& codings,
                                   int64_t head_dim);

/// Factors by the name of a tensor.
struct Fold {
  std::map<std::string, std::vector<float>> inputs;   // of a matrix's columns
  std::map<std::string, std::vector<float>> outputs;  // of its rows, or of a vector's values

  /// Divides what `place` hands on by scales [place.outputs].
  void add(const FoldPlace& place, std::span<const float> scales);
};

/// The scales next to the wanted ones that a norm's weight can be divided by without rounding,
/// given the type that it is stored in; those of a matrix as they are.
std::vector<float> exact_scales(const checkpoint::TensorSource& source, const FoldPlace& place,
                                std::vector<float> scales);

/// The tensors with the factors applied. Throws Error where a tensor is missing.
std::unique_ptr<checkpoint::TensorSource> folded(std::unique_ptr<checkpoint::TensorSource> source,
                                                 const Fold& fold);

}  // namespace visavis::compress
