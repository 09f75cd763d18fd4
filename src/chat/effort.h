// What answering costs a model at least, so that the same answers can be priced on other devices:
// bytes and operations that follow from its tensors, and from the tokens that were counted.
#pragma once

#include <cstdint>

#include "base/work.h"
#include "chat/completion.h"

namespace visavis::chat {

/// Counted from a model's tensors; all zeros where they are unknown (a remote endpoint). What
/// attention multiplies is left out.
struct Effort {
  double step_bytes = 0;       // weights that one step of the text model reads
  double token_ops = 0;        // of the text layers, per token
  double head_ops = 0;         // of the vocabulary's logits, per token that is generated
  double picture_bytes = 0;    // weights that the encoder reads for one picture
  double image_token_ops = 0;  // of the encoder, per image token
  double kv_token_bytes = 0;   // of the cache, per token
  int64_t chunk = 512;         // prompt tokens that one step takes at most
  bool integer = true;         // generation multiplies in int8 (int4 and int8 weights), else in f32

  bool known() const { return step_bytes > 0; }
};

/// The work of one answer on a card: prompt and pictures in 16 bits, generation as `integer` says.
/// `pictures`: how many were encoded.
base::Work work_of(const Effort& effort, const Usage& usage, int64_t pictures);

}  // namespace visavis::chat
