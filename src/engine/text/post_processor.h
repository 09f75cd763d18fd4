// The "post_processor" of a tokenizer.json as far as it changes ids: which ids go before and after
// those of one text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace visavis::text {

struct PostProcessor {
  std::vector<int32_t> before;
  std::vector<int32_t> after;

  /// Throws Error naming a type that is not supported, and for ids that are not below `size`.
  static PostProcessor read(const base::Json& json, int64_t size, const std::string& name);
};

}  // namespace visavis::text
