#include "server/lane.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace visavis::server {

struct Lane::Entry : chat::Sink {
  std::shared_ptr<Lane> lane;  // while it is with the model: the lane outlives the answer
  Job job = 0;
  chat::Request request;
  std::shared_ptr<Hearer> hearer;
  int64_t arrived_ns = 0;
  int64_t started_ns = 0;
  chat::Ticket ticket = 0;

  void on_text(std::string_view text) override { hearer->on_text(text); }
  void on_done(chat::Outcome outcome) override {
    const double queued = base::seconds_between(arrived_ns, started_ns);
    // The model may not be called from here. The slot is free before the client can ask again.
    lane->post_(
        [lane = lane, job = job, hearer = hearer, queued, outcome = std::move(outcome)]() mutable {
          lane->finished(job);
          hearer->on_done(std::move(outcome), queued);
        });
  }
};

Lane::Lane(chat::ChatModel& model, size_t slots, size_t most_waiting, const base::Clock& clock,
           Post post)
    : model_(model),
      slots_(std::max<size_t>(slots, 1)),
      most_waiting_(most_waiting),
      clock_(clock),
      post_(std::move(post)) {}

Lane::Admission Lane::submit(std::vector<Order> orders) {
  const std::lock_guard lock(mutex_);
  if (closed_) return {.refusal = Refusal::closed};
  const size_t free = slots_ - std::min(slots_, answering_.size()) + most_waiting_;
  if (waiting_.size() + orders.size() > free) {
    constexpr double kLongest = 60;
    const double rounds =
        static_cast<double>(waiting_.size() + orders.size()) / static_cast<double>(slots_);
    return {.refusal = Refusal::full,
            .retry_after = static_cast<int>(
                std::ceil(std::clamp(usual_seconds_ * rounds * 0.5, 1.0, kLongest)))};
  }
  Admission admission;
  for (Order& order : orders) {
    auto entry = std::make_shared<Entry>();
    entry->job = next_++;
    entry->request = std::move(order.request);
    entry->hearer = std::move(order.hearer);
    entry->arrived_ns = clock_.now_ns();
    admission.jobs.push_back(entry->job);
    waiting_.push_back(std::move(entry));
  }
  start_waiting();
  return admission;
}

void Lane::start_waiting() {
  while (!waiting_.empty() && answering_.size() < slots_) {
    const std::shared_ptr<Entry> entry = std::move(waiting_.front());
    waiting_.pop_front();
    answering_[entry->job] = entry;
    entry->lane = shared_from_this();
    entry->started_ns = clock_.now_ns();
    try {
      entry->ticket = model_.submit(std::move(entry->request), *entry);
    } catch (const std::exception& error) {
      entry->on_done(chat::Failure{error.what(), true});
    }
  }
}

void Lane::finished(Job job) {
  const std::lock_guard lock(mutex_);
  const auto found = answering_.find(job);
  if (found == answering_.end()) return;
  const std::shared_ptr<Entry> entry = std::move(found->second);
  answering_.erase(found);
  const double seconds = base::seconds_between(entry->started_ns, clock_.now_ns());
  usual_seconds_ += 0.1 * (seconds - usual_seconds_);
  entry->lane.reset();
  start_waiting();
}

void Lane::cancel(Job job) {
  const std::lock_guard lock(mutex_);
  if (const auto found = answering_.find(job); found != answering_.end()) {
    model_.cancel(found->second->ticket);
    return;
  }
  std::erase_if(waiting_, [job](const auto& entry) { return entry->job == job; });
}

void Lane::cancel_waiting() {
  std::deque<std::shared_ptr<Entry>> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(waiting_);
  }
  for (const auto& entry : dropped) {
    chat::Completion nothing;
    nothing.finish = chat::Finish::cancelled;
    entry->hearer->on_done(std::move(nothing),
                           base::seconds_between(entry->arrived_ns, clock_.now_ns()));
  }
}

void Lane::cancel_answering() {
  const std::lock_guard lock(mutex_);
  for (const auto& [job, entry] : answering_) model_.cancel(entry->ticket);
}

bool Lane::close(bool only_if_idle) {
  const std::lock_guard lock(mutex_);
  if (only_if_idle && !(waiting_.empty() && answering_.empty())) return false;
  closed_ = true;
  return true;
}

void Lane::reopen() {
  const std::lock_guard lock(mutex_);
  closed_ = false;
}

Lane::Load Lane::load() const {
  const std::lock_guard lock(mutex_);
  return {.answering = answering_.size(), .waiting = waiting_.size()};
}

}  // namespace visavis::server
