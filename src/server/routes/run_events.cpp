// GET /api/runs/ID/events: how far a run is, about once a second and at its end.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "server/context.h"
#include "server/exchange.h"
#include "server/run_list.h"

namespace visavis::server {
namespace {

class Teller : public std::enable_shared_from_this<Teller> {
 public:
  Teller(ExchangePtr exchange, Context& context, std::string id)
      : exchange_(std::move(exchange)),
        context_(context),
        id_(std::move(id)),
        timer_(exchange_->executor()) {}

  void tell() {
    base::Json now = standing_json(context_.runs, id_);  // throws for an unknown run
    if (!exchange_->has_begun()) {
      exchange_->begin_stream("text/event-stream; charset=utf-8");
      exchange_->on_gone([self = weak_from_this()] {
        if (const auto teller = self.lock()) teller->timer_.cancel();
      });
    }
    exchange_->write("data: " + base::dump_json(now) + "\n\n");
    const bool goes_on = now["state"] == "running" || now["state"] == "stopping";
    if (!goes_on || context_.stopping) return exchange_->end_stream();
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      try {
        self->tell();
      } catch (const std::exception&) {
        self->exchange_->break_stream();  // the run's folder is gone
      }
    });
  }

 private:
  ExchangePtr exchange_;
  Context& context_;
  std::string id_;
  boost::asio::steady_timer timer_;
};

}  // namespace

void run_events(const ExchangePtr& exchange, Context& context) {
  std::make_shared<Teller>(exchange, context, exchange->request().parts.at("id"))->tell();
}

}  // namespace visavis::server
