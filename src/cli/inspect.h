// What `visavis inspect --json` prints, for others that show a memory plan.
#pragma once

#include <string>

#include "base/json.h"
#include "chat/model_host.h"

namespace visavis::cli {

/// Files, sizes, layouts and the memory plan of a model; reads headers, not weights. Throws Error.
base::Json inspect_json(const std::string& model, const chat::ModelOptions& options);

}  // namespace visavis::cli
