// The text half of every family: embedding, decoder layers, final norm and head, with image rows
// put in place of embeddings and deepstack rows added after the first layers. What differs between
// families (rotary table, q/k norms, biases) is data.
#pragma once

#include <vector>

#include "engine/models/model.h"
#include "engine/models/text_config.h"
#include "engine/nn/block.h"

namespace visavis::models {

struct TextDecoder {
  TextConfig config;
  ops::RopeTable rope;
  tensor::Weight embedding;  // [vocabulary, hidden], as stored
  std::vector<nn::DecoderLayer> layers;
  nn::RmsNorm norm;
  nn::Linear head;  // [vocabulary, hidden]

  /// Bytes held by all parts.
  int64_t bytes() const;
  Dimensions dimensions() const;
  /// As Model::forward.
  void forward(ops::Ops& ops, const ops::StepBatch& batch, const std::vector<ImageRows>& images,
               const std::vector<ops::KvView>& kv, tensor::View logit_rows,
               tensor::Arena& workspace, tensor::MutView logits) const;
};

/// Bytes that TextDecoder::forward takes from the arena for a step of so many rows.
int64_t text_scratch(const TextConfig& config, int64_t tokens, int64_t logit_rows);

}  // namespace visavis::models
