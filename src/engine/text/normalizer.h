// The "normalizer" of a tokenizer.json: rewrites text before it is split. Works on text that may
// carry a tag per byte, because added tokens are also matched after normalising.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"

namespace visavis::text {

/// Valid UTF-8 and, per byte, whether it is a user's; `user` is empty where nothing is.
struct MarkedText {
  std::string text;
  std::vector<uint8_t> user;
};

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Rewrites in place. New bytes made from a user's bytes are the user's.
  virtual void apply(MarkedText& text) const = 0;
};

/// Null for JSON null. Throws Error naming a type that is not supported.
std::unique_ptr<Normalizer> make_normalizer(const base::Json& json, const std::string& name);

}  // namespace visavis::text
