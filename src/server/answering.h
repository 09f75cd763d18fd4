// From an order to its answer: puts the choices into the model's queue, streams or collects what
// comes, and ends them when the client goes away, the time is over or the server stops.
#pragma once

#include <memory>

#include "server/context.h"
#include "server/exchange.h"
#include "server/orders.h"

namespace visavis::server {

/// Responds later. Throws ApiError: 404 for the model, 429 if its queue is full.
void answer(const ExchangePtr& exchange, AnswerOrder order, bool chat, Context& context);

}  // namespace visavis::server
