// GET /metrics: Prometheus' text format.
#include "server/metrics.h"

#include "server/context.h"
#include "server/exchange.h"

namespace visavis::server {

void metrics(const ExchangePtr& exchange, Context& context) {
  const double uptime = base::seconds_between(context.started_ns, context.clock.now_ns());
  exchange->respond({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                     .body = context.metrics.text(context.residents, uptime)});
}

}  // namespace visavis::server
