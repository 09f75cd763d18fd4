// The token that stands for a picture in a prompt need not be in a checkpoint's vocabulary: its
// embedding is never used.
#pragma once

#include <cstdint>

#include "engine/adopt/derived_files.h"

namespace visavis::adopt {

struct ImageToken {
  int64_t id = 0;
  int64_t vocabulary = 0;  // rows of the embedding with room for it
  bool is_new = false;     // the tokenizer does not know it
};

/// `known`: its id in the tokenizer, or -1. `rows`: those that the embedding has; `tokens`: those
/// that the tokenizer knows.
ImageToken image_token(int64_t known, int64_t rows, int64_t tokens);

/// Tells a tokenizer of the new token <image>. Throws Error if tokenizer_config.json is not JSON.
void add_image_token(const ImageToken& token, DerivedFiles& files);

}  // namespace visavis::adopt
