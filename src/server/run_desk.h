// Comparisons that the server's page starts: one at a time, on a thread of its own, in folders
// below one folder. What a run was started with is kept beside its store, so that it can go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "harness/runner/experiment.h"
#include "harness/runner/progress.h"
#include "server/residents.h"

namespace visavis::server {

/// What the page asks for.
struct RunOrder {
  std::string suite;  // the path of a known one
  struct Model {
    std::string name;
    chat::ModelOptions options;  // as it is loaded
  };
  std::vector<Model> models;
  std::optional<int64_t> limit;
  std::optional<double> budget;
  std::optional<double> price;
  std::optional<std::string> max_time;
};

base::Json to_json(const RunOrder& order);
/// Throws Error.
RunOrder run_order_from(const base::Json& json);

/// What runs need from the command line.
struct RunSetting {
  std::filesystem::path folder;  // of all runs; empty: none can be started or opened
  std::function<runner::Experiment(const RunOrder&)> experiment_of;
  std::function<std::string()> machine_json;
  std::function<std::string()> build_json;
};

class RunDesk {
 public:
  RunDesk(RunSetting setting, Residents& residents, const base::Clock& clock,
          std::function<void(const std::string&)> log);
  /// Stops the run and waits for its end.
  ~RunDesk();

  /// Starts a run in a new folder and returns its name. Blocks while the suite is read. Throws
  /// ApiError: 409 while another run goes on or requests are being answered, 400 for a bad order.
  std::string start(const RunOrder& order);
  /// Goes on with a run that was started here. Throws ApiError 404, 409.
  void resume(const std::string& id);
  /// Ends the run after the current answers have been cancelled; returns at once. Throws ApiError
  /// 409 if it is not running.
  void stop(const std::string& id);
  void stop_any();

  /// Throws ApiError 503 while a run goes on: other requests would change its times.
  void require_quiet() const;

  struct Standing {
    runner::Standing answers;
    double seconds = 0;  // since the start or resume
    std::optional<double> budget;
    std::string model;     // that was asked last; empty: none yet
    std::string question;  // that it was asked
    bool stopping = false;
    std::string problem;  // why it ended, if it failed
  };
  /// The run that goes on; empty: none.
  std::string running() const;
  /// Of the run that goes on or went on last; nothing for another one.
  std::optional<Standing> standing(const std::string& id) const;

  /// What a run was started with. Throws ApiError: 404, 409 if it was started elsewhere.
  RunOrder order_of(const std::string& id) const;

  /// The folder of a run that exists. Throws ApiError 404.
  std::filesystem::path folder_of(const std::string& id) const;
  const std::filesystem::path& folder() const { return setting_.folder; }

 private:
  class Watch;

  void begin(const std::string& id, const RunOrder& order, bool resume);

  const RunSetting setting_;
  Residents& residents_;
  const base::Clock& clock_;
  const std::function<void(const std::string&)> log_;
  std::atomic<bool> stop_{false};
  std::mutex starting_;  // one start or resume at a time; taken before mutex_

  mutable std::mutex mutex_;  // guards what follows
  std::string id_;
  bool running_ = false;
  int64_t begin_ns_ = 0;
  Standing standing_;
  std::thread thread_;
};

}  // namespace visavis::server
