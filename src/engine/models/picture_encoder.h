// The vision half of a model with its weights loaded, as the families that share a Model bring it.
#pragma once

#include "engine/models/model.h"

namespace visavis::models {

class PictureEncoder {
 public:
  virtual ~PictureEncoder() = default;
  /// As Model::encode.
  virtual ImageFeatures encode(ops::Ops& ops, const PatchGrid& picture, tensor::Arena& workspace,
                               tensor::Arena& features) const = 0;
};

}  // namespace visavis::models
