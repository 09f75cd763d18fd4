// What routes work with: borrowed parts of the server, all of which outlive every request.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "chat/model_host.h"
#include "server/access.h"
#include "server/limits.h"
#include "server/metrics.h"
#include "server/orders.h"
#include "server/residents.h"

namespace visavis::server {

/// Receives one line for people, on any thread.
using Log = std::function<void(const std::string&)>;

/// What only the command line knows.
struct Setting {
  std::string version;
  /// Requests that a model answers at once, from its options.
  std::function<size_t(const chat::ModelOptions&)> slots_of;
  Log log;
};

struct Context {
  const Limits& limits;
  const AccessRules& access;
  const Setting& setting;
  Residents& residents;
  Metrics& metrics;
  const OrderRules& order_rules;
  const base::Clock& clock;
  int64_t started_ns = 0;
  boost::asio::thread_pool& workers;  // for what blocks
  std::atomic<int>& scoring;          // scores that wait or are computed
  std::atomic<bool>& stopping;
};

}  // namespace visavis::server
