// Counters that /metrics prints in Prometheus' text format. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "chat/completion.h"

namespace visavis::server {

class Residents;

class Metrics {
 public:
  /// A response has been sent, or its client went away (499).
  void count_response(const std::string& route, int status);
  void count_answer(const std::string& model, const chat::Completion& completion,
                    double queued_seconds);
  /// Everything so far, and what the queues hold now.
  std::string text(const Residents& residents, double uptime_seconds) const;

 private:
  static constexpr std::array<double, 10> kBounds = {0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};
  struct Histogram {
    std::array<int64_t, kBounds.size()> below = {};  // cumulative
    int64_t count = 0;
    double sum = 0;
    void add(double value);
    void print(std::string& out, const std::string& name, const std::string& label) const;
  };
  struct PerModel {
    int64_t answers = 0;
    int64_t cancelled = 0;
    int64_t prompt_tokens = 0;
    int64_t image_tokens = 0;
    int64_t completion_tokens = 0;
    Histogram queued;
    Histogram first_token;
    Histogram whole;
  };

  mutable std::mutex mutex_;  // guards both maps
  std::map<std::pair<std::string, int>, int64_t> responses_;
  std::map<std::string, PerModel> models_;
};

}  // namespace visavis::server
