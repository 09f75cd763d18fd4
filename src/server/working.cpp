#include "server/working.h"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "server/api_error.h"

namespace visavis::server {
namespace {

constexpr int kMostWaiting = 64;

// One piece of work that waits or runs.
class Turn {
 public:
  explicit Turn(std::atomic<int>& all) : all_(all) { ++all_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { --all_; }

 private:
  std::atomic<int>& all_;
};

}  // namespace

Response json_response(const base::Json& json, int status) {
  return {.status = status, .body = base::dump_json(json) + "\n"};
}

void work_later(const ExchangePtr& exchange, Context& context,
                std::function<std::function<void()>()> work) {
  if (context.working >= kMostWaiting)
    throw ApiError(429, "too much is asked for at once; come again later", "", "queue_full", 1);
  auto turn = std::make_shared<Turn>(context.working);
  auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->on_gone([gone] { *gone = true; });
  boost::asio::post(context.workers, [exchange, turn, gone, work = std::move(work)] {
    if (*gone) return;
    std::function<void()> end;
    try {
      end = work();
    } catch (const std::exception& error) {
      end = [exchange, response = error_response(error)] { exchange->respond(response); };
    }
    boost::asio::post(exchange->executor(), [exchange, gone, end = std::move(end)] {
      if (*gone) return;
      try {
        end();
      } catch (const std::exception& error) {
        exchange->respond_error(error);
      }
    });
  });
}

void respond_later(const ExchangePtr& exchange, Context& context, std::function<Response()> work) {
  work_later(exchange, context, [exchange, work = std::move(work)]() -> std::function<void()> {
    return [exchange, response = work()] { exchange->respond(response); };
  });
}

}  // namespace visavis::server
