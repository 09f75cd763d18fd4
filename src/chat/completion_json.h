// The parts of an answer that several outputs show as JSON under the same names: `run --json` and
// the server's answers.
#pragma once

#include "base/json.h"
#include "chat/completion.h"

namespace visavis::chat {

/// {"load_s", "image_decode_s", ..., "e2e_s"} in seconds; what is not known is null.
base::Json timing_json(const Timing& timing, double load_seconds);

/// {"weights_bytes", ..., "host_peak_bytes"}.
base::Json memory_json(const Memory& memory);

}  // namespace visavis::chat
