// The "pre_tokenizer" of a tokenizer.json: cuts text into pieces that BPE never merges across.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"

namespace visavis::text {

/// A piece of text, valid UTF-8, on its way to BPE.
struct Piece {
  std::string text;
  bool starts_text = false;  // its first byte comes from the first byte of the whole text
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Cuts one piece and appends the parts, without empty ones.
  virtual void split(Piece piece, std::vector<Piece>& out) const = 0;
};

/// Null for JSON null. Throws Error naming a type or behaviour that is not supported.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const base::Json& json, const std::string& name);

}  // namespace visavis::text
