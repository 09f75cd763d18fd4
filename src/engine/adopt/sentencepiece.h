// Vocabularies in SentencePiece's manner (pieces with scores) as a tokenizer.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace visavis::adopt {

// nlohmann::json and not base::Json, which takes a while to look for a key among 150,000.

/// As the format numbers them.
enum class PieceType : int64_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

/// One token; its id is its place in the list.
struct Piece {
  std::string text;
  double score = 0;
  PieceType type = PieceType::normal;
};

/// The added tokens of a tokenizer.json: control pieces, the unknown one and those of the user.
nlohmann::json added_tokens(const std::vector<Piece>& pieces);

/// Byte pair encoding with byte fallback as LLaMA's vocabulary wants it: any two neighbours whose
/// text together is a piece may merge, the piece with the highest score first. `add_space`: the
/// text gets a space in front. `bos`: the token put in front of it, or -1. Throws Error, naming
/// `file`, if the vocabulary has no unknown piece or no bytes.
nlohmann::json sentencepiece_tokenizer(const std::vector<Piece>& pieces, bool add_space,
                                       int64_t bos, const std::string& file);

}  // namespace visavis::adopt
