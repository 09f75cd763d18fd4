// The queue in front of one model: as many requests as it answers at once are with the model, a
// bounded number waits, more are turned away. A request that waits costs the model nothing, and its
// times (from submit on) hold no waiting.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "chat/chat_model.h"

namespace visavis::server {

/// Hears one request's answer: some on_text on the model's thread, then exactly one on_done (from
/// the lane's Post), unless the request is cancelled while it waits. Must return quickly.
class Hearer {
 public:
  virtual ~Hearer() = default;
  virtual void on_text(std::string_view text) = 0;
  /// `queued_seconds`: how long the request waited before the model got it.
  virtual void on_done(chat::Outcome outcome, double queued_seconds) = 0;
};

class Lane : public std::enable_shared_from_this<Lane> {
 public:
  using Job = uint64_t;
  /// Runs a task soon on some thread that is not the model's.
  using Post = std::function<void(std::function<void()>)>;
  struct Order {
    chat::Request request;
    std::shared_ptr<Hearer> hearer;
  };
  enum class Refusal { none, full, closed };
  struct Admission {
    Refusal refusal = Refusal::none;
    std::vector<Job> jobs = {};  // one per order
    int retry_after = 0;         // seconds after which a place may be free, if it is full
  };
  struct Load {
    size_t answering = 0;
    size_t waiting = 0;
  };

  /// The model must outlive the lane. `slots`: requests that are with the model at once.
  Lane(chat::ChatModel& model, size_t slots, size_t most_waiting, const base::Clock& clock,
       Post post);

  /// Takes all orders or none. Thread-safe, as everything here.
  Admission submit(std::vector<Order> orders);
  /// Ends the request: one that waits is forgotten at once, one that is being answered hears
  /// on_done with Finish::cancelled (or what it came to before).
  void cancel(Job job);
  /// Ends all: those that wait hear on_done with Finish::cancelled, too.
  void cancel_waiting();
  void cancel_answering();
  /// Takes no more orders. False, and nothing is closed, if some are here and `only_if_idle`.
  bool close(bool only_if_idle);
  void reopen();
  Load load() const;
  size_t slots() const { return slots_; }

 private:
  struct Entry;

  void start_waiting();  // holds mutex_
  void finished(Job job);

  chat::ChatModel& model_;
  const size_t slots_;
  const size_t most_waiting_;
  const base::Clock& clock_;
  const Post post_;

  mutable std::mutex mutex_;  // guards what follows
  std::deque<std::shared_ptr<Entry>> waiting_;
  std::map<Job, std::shared_ptr<Entry>> answering_;
  Job next_ = 1;
  bool closed_ = false;
  double usual_seconds_ = 1;  // of an answer, by those so far
};

}  // namespace visavis::server
