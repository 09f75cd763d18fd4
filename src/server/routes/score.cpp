// POST /v1/score, ours: log-probabilities of the next token, or of a given continuation, as
// `visavis score --json` prints them.
#include <memory>
#include <utility>

#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/orders.h"
#include "server/working.h"

namespace visavis::server {
namespace {

// Keeps the model from being unloaded from the order to its end.
class Scoring {
 public:
  explicit Scoring(std::shared_ptr<Resident> resident) : resident_(std::move(resident)) {
    ++resident_->scoring;
  }
  Scoring(const Scoring&) = delete;
  Scoring& operator=(const Scoring&) = delete;
  ~Scoring() { --resident_->scoring; }
  Resident& resident() { return *resident_; }

 private:
  std::shared_ptr<Resident> resident_;
};

}  // namespace

void score(const ExchangePtr& exchange, Context& context) {
  auto body = std::make_shared<std::string>(std::move(exchange->request().body));
  respond_later(exchange, context, [body, &context] {
    const ScoreOrder order = parse_score(*body, context.order_rules);
    Scoring scoring(context.residents.find(order.model));
    const Resident& resident = scoring.resident();
    if (resident.scorer == nullptr)
      throw ApiError(400, "model '" + resident.name + "' gives no log-probabilities", "model");
    context.runs.require_quiet();
    try {
      base::Json json = score_json(resident.scorer->score(order.request));
      json["model"] = resident.name;
      return json_response(json);
    } catch (const Error& error) {
      throw ApiError(400, error.what());
    }
  });
}

}  // namespace visavis::server
