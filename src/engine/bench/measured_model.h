// A loaded model that is driven step by step, with a cache that claims to hold any context: its
// pages are filled with random keys and values once, since attention takes as long over those as
// over a prompt's own. No scheduler, no other thread; steps are put together as the scheduler does.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/bench/work.h"
#include "engine/generate/kv_pool.h"
#include "engine/generate/local_model.h"
#include "engine/generate/memory_plan.h"
#include "engine/generate/step_buffers.h"
#include "engine/models/model.h"

namespace visavis::bench {

class MeasuredModel {
 public:
  /// Checks the plan against the memory that is available, loads and allocates on the device of
  /// `ops`. `model` has been opened. Throws Error.
  MeasuredModel(std::unique_ptr<models::Model> model, const models::Limits& limits,
                std::unique_ptr<ops::Ops> ops);

  models::Model& model() { return *model_; }
  CountingOps& ops() { return ops_; }
  const models::Limits& limits() const { return limits_; }
  const generate::MemoryPlan& plan() const { return plan_; }
  /// What the device's allocator counted; zeros on a CPU.
  ops::DeviceMemory memory() const { return ops_.memory(); }
  double load_seconds() const { return load_seconds_; }

  /// One step: `batch` sequences whose caches hold `context` tokens each get ids.size() / batch
  /// rows, sequence by sequence. With `choose`, returns the likeliest next id of each sequence.
  std::vector<int32_t> step(int64_t batch, int64_t context, const std::vector<int32_t>& ids,
                            bool choose);
  /// Runs the vision encoder over one picture.
  void encode(const models::PatchGrid& picture);

  /// What `body` would do, without doing it.
  template <class Body>
  Work work_of(const Body& body) {
    ops_.reset();
    ops_.set_dry(true);
    body();
    ops_.set_dry(false);
    return ops_.work();
  }

 private:
  void fill_cache();

  CountingOps ops_;
  std::unique_ptr<models::Model> model_;
  models::Limits limits_;
  generate::MemoryPlan plan_;
  double load_seconds_ = 0;
  tensor::Arena workspace_;
  tensor::Arena features_;
  generate::KvPool pool_;
  generate::StepBuffers buffers_;
};

}  // namespace visavis::bench
