// POST /v1/completions: the model goes on with a text; no chat template.
#include <utility>

#include "server/answering.h"
#include "server/orders.h"

namespace visavis::server {

void completions(const ExchangePtr& exchange, Context& context) {
  answer(exchange, parse_completion(exchange->request().body, context.order_rules), false, context);
}

}  // namespace visavis::server
