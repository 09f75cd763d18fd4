// POST /v1/chat/completions
#include <utility>

#include "server/answering.h"
#include "server/orders.h"

namespace visavis::server {

void chat_completions(const ExchangePtr& exchange, Context& context) {
  AnswerOrder order = parse_chat(exchange->request().body, context.order_rules);
  std::string().swap(exchange->request().body);  // tens of megabytes, held twice otherwise
  answer(exchange, std::move(order), true, context);
}

}  // namespace visavis::server
