// What a model's linear layers read while it answers: the statistics and the sample of rows that
// scaling (awq.h) and mixed precision (mixed.h) are chosen by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "chat/request.h"

namespace visavis::compress {

/// Of one layer's inputs.
struct InputSample {
  int64_t cols = 0;
  int64_t seen = 0;                // rows
  std::vector<double> magnitudes;  // mean |x| of each input
  std::vector<double> powers;      // mean x^2
  std::vector<float> rows;         // some of the rows, [kept, cols]
  std::vector<float> moments;      // sums of x_i x_j as feedback.h wants them, if asked for

  int64_t kept() const { return cols == 0 ? 0 : static_cast<int64_t>(rows.size()) / cols; }
};
using InputSamples = std::map<std::string, InputSample>;

/// Sums up rows as they come and keeps `kept` of them, each with the same chance.
class InputSampler {
 public:
  InputSampler(int64_t kept, uint64_t seed, bool moments = false)
      : kept_(kept), seed_(seed), moments_(moments) {}
  void add(const std::string& weight, std::span<const float> rows, int64_t cols);
  /// Ends the sampling.
  InputSamples take();

 private:
  struct Running {
    InputSample sample;  // sums until take()
    base::Rng rng;
  };
  int64_t kept_;
  uint64_t seed_;
  bool moments_;
  std::map<std::string, Running> running_;
};

struct CalibrationOptions {
  int64_t kept_rows = 128;  // of each layer's input
  uint64_t seed = 42;
  bool moments = false;  // sample them, too
  int threads = 0;
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// Lets the checkpoint, with its weights as stored and on the CPU, answer the requests, and samples
/// what the linear layers `weights` read, prompt and answer. Throws Error, also if a request fails.
InputSamples collect_inputs(const std::filesystem::path& folder,
                            const std::vector<chat::Request>& requests,
                            const std::set<std::string>& weights,
                            const CalibrationOptions& options);

}  // namespace visavis::compress
