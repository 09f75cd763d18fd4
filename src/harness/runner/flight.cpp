#include "harness/runner/flight.h"

#include <utility>

#include "base/error.h"

namespace visavis::runner {
namespace {

constexpr std::chrono::milliseconds kPollInterval{20};

}  // namespace

class Flight::Sink : public chat::Sink {
 public:
  Sink(Flight& flight, uint64_t id) : flight_(flight), id_(id) {}
  void on_text(std::string_view) override {}
  void on_done(chat::Outcome outcome) override {
    // Notified under the lock: this sink may be destroyed as soon as the outcome is taken.
    const std::lock_guard lock(flight_.mutex_);
    flight_.outcomes_.emplace_back(id_, std::move(outcome));
    flight_.came_.notify_one();
  }

 private:
  Flight& flight_;
  uint64_t id_;
};

Flight::Flight() = default;

Flight::~Flight() {
  cancel_all();
  while (!is_empty()) wait(kPollInterval);
}

void Flight::start(chat::ChatModel& answerer, chat::Request request, size_t model, size_t item) {
  const uint64_t id = ++last_;
  Request& entry = under_way_[id];
  entry = {&answerer, 0, model, item, std::make_unique<Sink>(*this, id)};
  try {
    entry.ticket = answerer.submit(std::move(request), *entry.sink);
  } catch (const Error& error) {
    entry.sink->on_done(chat::Failure{error.what()});
  }
}

int Flight::count(size_t model) const {
  int count = 0;
  for (const auto& [id, request] : under_way_) count += request.model == model ? 1 : 0;
  return count;
}

std::optional<Flight::Landed> Flight::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  if (!came_.wait_for(lock, time, [&] { return !outcomes_.empty(); })) return std::nullopt;
  auto [id, outcome] = std::move(outcomes_.front());
  outcomes_.erase(outcomes_.begin());
  const auto found = under_way_.find(id);
  Landed landed{found->second.model, found->second.item, std::move(outcome)};
  under_way_.erase(found);
  return landed;
}

void Flight::cancel_all() {
  for (const auto& [id, request] : under_way_) request.answerer->cancel(request.ticket);
}

}  // namespace visavis::runner
