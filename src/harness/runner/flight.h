// Requests under way to models that answer several at once, and their outcomes as they come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "chat/chat_model.h"

namespace visavis::runner {

/// Used by one thread; only the models' threads bring outcomes.
class Flight {
 public:
  struct Landed {
    size_t model = 0;  // as given to start()
    size_t item = 0;
    chat::Outcome outcome;
  };

  Flight();
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  /// Cancels what is under way and waits for it.
  ~Flight();

  void start(chat::ChatModel& answerer, chat::Request request, size_t model, size_t item);
  /// Requests of that model under way.
  int count(size_t model) const;
  bool is_empty() const { return under_way_.empty(); }
  /// The next outcome; nothing if none comes within `time`.
  std::optional<Landed> wait(std::chrono::milliseconds time);
  void cancel_all();

 private:
  class Sink;
  struct Request {
    chat::ChatModel* answerer = nullptr;
    chat::Ticket ticket = 0;
    size_t model = 0;
    size_t item = 0;
    std::unique_ptr<Sink> sink;
  };

  std::map<uint64_t, Request> under_way_;
  uint64_t last_ = 0;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::pair<uint64_t, chat::Outcome>> outcomes_;
};

}  // namespace visavis::runner
