// SentencePiece's own file (tokenizer.model), a protocol buffer: as much of it as a tokenizer.json
// takes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/adopt/sentencepiece.h"

namespace visavis::adopt {

struct SentencepieceModel {
  std::vector<Piece> pieces;
  int64_t bos = 1;        // id of the token in front of texts
  bool add_space = true;  // texts get a space in front
};

/// Reads the messages ModelProto, SentencePiece, TrainerSpec and NormalizerSpec of
/// sentencepiece_model.proto. `file` is how errors call it. Takes at most 80 times the bytes.
/// Throws Error: not such a file, or a vocabulary that LLaMA's rules (byte pair encoding of the
/// text as it is) do not fit.
SentencepieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& file);

}  // namespace visavis::adopt
