// Any body: the parsers of /v1 either throw ApiError or give an order within the limits.
#include <cstdlib>

#include "server/api_error.h"
#include "server/orders.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const server::OrderRules rules;
  for (auto* const parse : {&server::parse_chat, &server::parse_completion}) {
    try {
      const server::AnswerOrder order = parse(body, rules);
      if (order.choices < 1 || order.choices > rules.limits.max_choices) std::abort();
      if (order.request.max_tokens < 1 || order.request.turns.empty()) std::abort();
      if (order.pictures > static_cast<int64_t>(rules.limits.max_pictures)) std::abort();
    } catch (const server::ApiError& error) {
      if (error.status() < 400 || error.status() > 499) std::abort();
      (void)base::dump_json(error.json());
    }
  }
  try {
    const server::ScoreOrder order = server::parse_score(body, rules);
    if (order.request.turns.empty()) std::abort();
  } catch (const server::ApiError& error) {
    if (error.status() < 400 || error.status() > 499) std::abort();
  }
  return 0;
}
