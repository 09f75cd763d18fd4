// What answers of an endpoint cost by its price for tokens: pure functions.
#pragma once

#include <optional>

#include "chat/chat_model.h"
#include "chat/completion.h"

namespace visavis::cost {

/// Nothing without both prices. A usage that the endpoint did not tell costs nothing here; the
/// answer's notes say so.
std::optional<double> token_cost(const chat::ModelFacts& facts, const chat::Usage& usage);

}  // namespace visavis::cost
