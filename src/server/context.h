// What routes work with: borrowed parts of the server, all of which outlive every request.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "chat/model_host.h"
#include "server/access.h"
#include "server/limits.h"
#include "server/metrics.h"
#include "server/orders.h"
#include "server/residents.h"
#include "server/run_desk.h"

namespace visavis::server {

/// Receives one line for people, on any thread.
using Log = std::function<void(const std::string&)>;

/// What only the command line knows. The functions may block.
struct Setting {
  std::string version;
  std::string lang = "en";
  std::string currency = "CNY";
  std::optional<double> price;  // of this machine, per hour
  /// Models that clients may load, by name.
  std::function<std::vector<std::string>()> available;
  /// Loads one of them, with what the command line adds to the options.
  std::function<std::shared_ptr<Resident>(Residents&, const std::string&,
                                          const chat::ModelOptions&)>
      load;
  /// The memory plan of one of them, as `inspect --json` gives it.
  std::function<base::Json(const std::string&, const chat::ModelOptions&)> plan;
  /// Suites that runs may use: [{name, path, title, questions, langs}].
  std::function<base::Json()> suites;
  RunSetting runs;
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
  std::atomic<int>& working;          // pieces of work that wait there or run
  RunDesk& runs;
  std::mutex& opinions;  // held while verdicts and votes are written
  std::atomic<bool>& stopping;
};

}  // namespace visavis::server
