#include "engine/ops/cuda/recorder.h"

#include "base/error.h"
#include "engine/ops/cuda/args.h"

namespace visavis::ops::cuda {

void Recorder::run(uint64_t key, int64_t generation, const std::function<void()>& step) {
  if (key == 0) return step();
  if (generation != generation_ || (steps_.size() >= kMostSteps && !steps_.contains(key))) forget();
  generation_ = generation;
  const auto found = steps_.find(key);
  if (found == steps_.end()) {
    step();
    steps_.emplace(key, nullptr);
    return;
  }
  if (found->second == nullptr) found->second = record(step);
  if (found->second == nullptr) return step();
  check(cudaGraphLaunch(found->second, stream_), "replaying a step");
}

// Null if the step cannot be recorded: it calls something that a recording cannot hold, or it
// fails, which it will do again where it runs as it is.
cudaGraphExec_t Recorder::record(const std::function<void()>& step) {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "recording a step");
  bool whole = true;
  try {
    step();
  } catch (const Error&) {
    whole = false;
  }
  cudaGraph_t graph = nullptr;
  whole = cudaStreamEndCapture(stream_, &graph) == cudaSuccess && whole;
  cudaGraphExec_t recorded = nullptr;
  if (whole && cudaGraphInstantiate(&recorded, graph, 0) != cudaSuccess) recorded = nullptr;
  if (graph != nullptr) cudaGraphDestroy(graph);
  cudaGetLastError();  // has been dealt with
  return recorded;
}

void Recorder::forget() {
  if (steps_.empty()) return;
  cudaStreamSynchronize(stream_);  // a step may be running
  for (const auto& [key, step] : steps_)
    if (step != nullptr) cudaGraphExecDestroy(step);
  steps_.clear();
}

}  // namespace visavis::ops::cuda
