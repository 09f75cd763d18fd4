// POST /v1/chat/completions
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "server/answering.h"
#include "server/orders.h"
#include "server/working.h"

namespace visavis::server {
namespace {

// Pictures may have to be fetched first, which blocks.
void order_on_worker(const ExchangePtr& exchange, Context& context) {
  auto body = std::make_shared<std::string>(std::move(exchange->request().body));
  work_later(exchange, context, [exchange, body, &context]() -> std::function<void()> {
    auto order = std::make_shared<AnswerOrder>(parse_chat(*body, context.order_rules));
    return [exchange, order, &context] { answer(exchange, std::move(*order), true, context); };
  });
}

}  // namespace

void chat_completions(const ExchangePtr& exchange, Context& context) {
  if (context.order_rules.fetch) return order_on_worker(exchange, context);
  AnswerOrder order = parse_chat(exchange->request().body, context.order_rules);
  std::string().swap(exchange->request().body);  // tens of megabytes, held twice otherwise
  answer(exchange, std::move(order), true, context);
}

}  // namespace visavis::server
