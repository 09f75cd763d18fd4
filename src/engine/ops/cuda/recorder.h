// Steps recorded as CUDA graphs: what Ops::run_step replays.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <unordered_map>

namespace visavis::ops::cuda {

class Recorder {
 public:
  explicit Recorder(cudaStream_t stream) : stream_(stream) {}
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() { forget(); }

  /// Runs the step: as it is the first time a key comes, so that all memory and tables that it
  /// needs are there; recorded the second time; replayed from then on. `generation` counts how
  /// often memory that steps use has moved; recordings of another generation are dropped.
  void run(uint64_t key, int64_t generation, const std::function<void()>& step);

 private:
  static constexpr size_t kMostSteps = 64;

  void forget();
  cudaGraphExec_t record(const std::function<void()>& step);

  cudaStream_t stream_;
  int64_t generation_ = 0;
  std::unordered_map<uint64_t, cudaGraphExec_t> steps_;  // null: ran once
};

}  // namespace visavis::ops::cuda
