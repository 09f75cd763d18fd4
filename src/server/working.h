// Work that blocks (scores, loading, reading stores), on the server's workers instead of the
// network's threads.
#pragma once

#include <functional>

#include "server/context.h"
#include "server/exchange.h"

namespace visavis::server {

/// Runs `work` on a worker and responds with what it gives, or with the error that it throws. Does
/// nothing if the client has gone away before its turn. Throws ApiError 429 if too much waits.
void respond_later(const ExchangePtr& exchange, Context& context, std::function<Response()> work);

/// The same for work whose end belongs to the exchange's executor: it runs what `work` returns.
void work_later(const ExchangePtr& exchange, Context& context,
                std::function<std::function<void()>()> work);

/// A response that holds JSON.
Response json_response(const base::Json& json, int status = 200);

}  // namespace visavis::server
