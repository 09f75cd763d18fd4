// The models that this server holds, and their queues. Loading and unloading block and go one after
// the other; looking up does not wait for them. ModelHost itself is not thread-safe, so everybody
// here reaches it through this (a run does by host()).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "chat/model_host.h"
#include "server/lane.h"

namespace visavis::server {

struct Resident {
  std::string name;
  chat::ModelOptions options;
  chat::ChatModel* model = nullptr;
  chat::Scorer* scorer = nullptr;  // may be null
  std::shared_ptr<Lane> lane;
  int64_t created = 0;          // seconds since 1970
  std::atomic<int> scoring{0};  // scores that are being computed
};

class Residents {
 public:
  /// Host and clock must outlive this.
  Residents(chat::ModelHost& host, size_t most_waiting, const base::Clock& clock, Lane::Post post);

  /// Loads the model, or returns the resident one of that name. Blocks. Throws ApiError 409 if it
  /// is there with other options, Error if it cannot be loaded.
  std::shared_ptr<Resident> load(const std::string& name, const chat::ModelOptions& options,
                                 size_t slots);
  /// Blocks. Throws ApiError: 404 unknown, 409 while requests are in flight.
  void unload(const std::string& name);

  /// The model of that name; the only one if the name is empty. Throws ApiError 404 that lists the
  /// names, 400 if a name is needed.
  std::shared_ptr<Resident> find(const std::string& name) const;
  std::vector<std::shared_ptr<Resident>> all() const;

  /// Opens models for a run: resident ones are shared and stay, others are closed with the run.
  chat::ModelHost& host() { return *shared_host_; }

 private:
  class SharedHost;

  chat::ModelHost& host_;
  const size_t most_waiting_;
  const base::Clock& clock_;
  const Lane::Post post_;
  std::unique_ptr<chat::ModelHost> shared_host_;

  mutable std::mutex host_mutex_;  // taken before mutex_
  mutable std::mutex mutex_;       // guards residents_
  std::vector<std::shared_ptr<Resident>> residents_;
};

}  // namespace visavis::server
