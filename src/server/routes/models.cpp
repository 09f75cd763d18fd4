// GET /v1/models and /v1/models/NAME
#include "server/answer_json.h"
#include "server/context.h"
#include "server/exchange.h"

namespace visavis::server {

void list_models(const ExchangePtr& exchange, Context& context) {
  base::Json data = base::Json::array();
  for (const auto& resident : context.residents.all()) data.push_back(model_json(*resident));
  exchange->respond_json({{"object", "list"}, {"data", std::move(data)}});
}

void show_model(const ExchangePtr& exchange, Context& context) {
  exchange->respond_json(model_json(*context.residents.find(exchange->request().parts.at("name"))));
}

}  // namespace visavis::server
