// GET /health: whether the server answers requests.
#include "server/context.h"
#include "server/exchange.h"

namespace visavis::server {

void health(const ExchangePtr& exchange, Context& context) {
  exchange->respond_json({{"status", "ok"},
                          {"version", context.setting.version},
                          {"models", context.residents.all().size()}});
}

}  // namespace visavis::server
