// POST /v1/score, ours: log-probabilities of the next token, or of a given continuation, as
// `visavis score --json` prints them.
#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/context.h"
#include "server/exchange.h"
#include "server/orders.h"

namespace visavis::server {
namespace {

// Counts a score from the order to its end, also for whoever wants to unload the model.
class Scoring {
 public:
  Scoring(std::shared_ptr<Resident> resident, std::atomic<int>& all)
      : resident_(std::move(resident)), all_(all) {
    ++resident_->scoring;
    ++all_;
  }
  Scoring(const Scoring&) = delete;
  Scoring& operator=(const Scoring&) = delete;
  ~Scoring() {
    --resident_->scoring;
    --all_;
  }
  Resident& resident() { return *resident_; }

 private:
  std::shared_ptr<Resident> resident_;
  std::atomic<int>& all_;
};

}  // namespace

void score(const ExchangePtr& exchange, Context& context) {
  auto order =
      std::make_shared<ScoreOrder>(parse_score(exchange->request().body, context.order_rules));
  auto scoring = std::make_shared<Scoring>(context.residents.find(order->model), context.scoring);
  Resident& resident = scoring->resident();
  if (resident.scorer == nullptr)
    throw ApiError(400, "model '" + resident.name + "' gives no log-probabilities", "model");
  if (context.scoring > static_cast<int>(context.limits.max_waiting))
    throw ApiError(429, "too many scores are wanted at once; come again later", "", "queue_full",
                   1);
  auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->on_gone([gone] { *gone = true; });
  exchange->note(resident.name);
  boost::asio::post(context.workers, [exchange, order, scoring, gone, &context] {
    if (*gone || context.stopping) return;
    std::optional<Response> response;
    try {
      base::Json json = score_json(scoring->resident().scorer->score(order->request));
      json["model"] = scoring->resident().name;
      response = Response{.body = base::dump_json(json) + "\n"};
    } catch (const Error& error) {
      response = error_response(ApiError(400, error.what()));
    } catch (const std::exception& error) {
      response = error_response(error);
    }
    boost::asio::post(exchange->executor(), [exchange, response = std::move(*response)]() mutable {
      exchange->respond(std::move(response));
    });
  });
}

}  // namespace visavis::server
