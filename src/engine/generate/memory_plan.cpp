#include "engine/generate/memory_plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/generate/kv_pool.h"
#include "engine/generate/step_buffers.h"
#include "machine/cpu.h"

namespace visavis::generate {

std::string MemoryPlan::text(const models::Limits& limits) const {
  return "weights " + base::human_bytes(weights) + " + vision " + base::human_bytes(vision) +
         " + KV " + base::human_bytes(kv) + " (" + std::to_string(limits.context) + " tokens x " +
         std::to_string(limits.batch) + ") + workspace " + base::human_bytes(workspace) +
         " + image features " + base::human_bytes(image_features) + " + vision cache " +
         base::human_bytes(vision_cache) + " + step " + base::human_bytes(step_buffers) +
         (scratch > 0 ? " + scratch " + base::human_bytes(scratch) : "") + " = " +
         base::human_bytes(total()) +
         (host_table > 0 ? "; embeddings " + base::human_bytes(host_table) + " in host memory"
                         : "");
}

chat::Memory MemoryPlan::reported() const {
  return {.weights = weights,
          .vision = vision,
          .kv = kv,
          .workspace = workspace + image_features + vision_cache + step_buffers + scratch};
}

MemoryPlan plan_memory(const models::Model& model, const models::Limits& limits,
                       std::optional<int64_t> vision_cache, const ops::Ops& ops) {
  const models::ModelMemory own = model.plan(limits);
  int64_t tables = 0;
  if (ops.has_own_memory())
    for (const load::PlannedTensor& tensor : model.planned())
      if (tensor.table) tables += tensor.bytes;
  const int64_t usual = ops.has_own_memory() ? 0 : kUsualVisionCache;
  return {.weights = own.weights - tables,
          .vision = own.vision,
          .kv = KvPool::bytes(model.dimensions(), limits),
          .workspace = own.workspace,
          .image_features = own.image_features,
          .vision_cache = vision_cache.value_or(std::min(own.image_features, usual)),
          .step_buffers = StepBuffers::bytes(model.dimensions(), limits),
          .scratch = ops.scratch_bytes(),
          .host_table = tables};
}

void require_fits(const MemoryPlan& plan, const models::Limits& limits, int64_t available,
                  int64_t there) {
  require(plan.total() - there <= available, "not enough memory: ", plan.text(limits),
          ", but only ", base::human_bytes(available),
          " are available; try --weights int4, a smaller --ctx or --max-batch-size, or "
          "--no-vision-cache");
}

void require_room(const MemoryPlan& plan, const models::Limits& limits, const ops::Ops& ops,
                  int64_t there) {
  const int64_t host = machine::memory_facts().available_bytes;  // 0: the system does not tell
  if (!ops.has_own_memory()) {
    if (host > 0) require_fits(plan, limits, host, there);
    return;
  }
  require_fits(plan, limits, ops.memory().free, there);
  require(host == 0 || plan.host_table <= host, "not enough memory: ", plan.text(limits),
          ", but this machine has only ", base::human_bytes(host), " available");
}

}  // namespace visavis::generate
