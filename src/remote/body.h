// A Request as the JSON body of POST /v1/chat/completions.
#pragma once

#include <string>

#include "chat/request.h"
#include "remote/endpoint.h"

namespace visavis::remote {

struct Body {
  std::string bytes;          // JSON, pictures inside as data: URLs
  std::string prompt_sha256;  // of the messages with every picture replaced by its hash
};

/// Throws Error for a picture that is neither JPEG, PNG nor WebP, and for log-probabilities, which
/// need token ids that no endpoint tells.
Body make_body(const Endpoint& endpoint, const chat::Request& request);

}  // namespace visavis::remote
