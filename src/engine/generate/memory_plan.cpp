#include "engine/generate/memory_plan.h"

#include "base/error.h"
#include "base/text.h"
#include "engine/generate/kv_pool.h"
#include "engine/generate/step_buffers.h"

namespace visavis::generate {

std::string MemoryPlan::text(const models::Limits& limits) const {
  return "weights " + base::human_bytes(weights) + " + vision " + base::human_bytes(vision) +
         " + KV " + base::human_bytes(kv) + " (" + std::to_string(limits.context) + " tokens x " +
         std::to_string(limits.batch) + ") + workspace " + base::human_bytes(workspace) +
         " + image features " + base::human_bytes(image_features) + " + step " +
         base::human_bytes(step_buffers) + " = " + base::human_bytes(total());
}

MemoryPlan plan_memory(const models::Model& model, const models::Limits& limits) {
  const models::ModelMemory own = model.plan(limits);
  return {.weights = own.weights,
          .vision = own.vision,
          .kv = KvPool::bytes(model.dimensions(), limits),
          .workspace = own.workspace,
          .image_features = own.image_features,
          .step_buffers = StepBuffers::bytes(model.dimensions(), limits)};
}

void require_fits(const MemoryPlan& plan, const models::Limits& limits, int64_t available) {
  require(plan.total() <= available, "not enough memory: ", plan.text(limits), ", but only ",
          base::human_bytes(available),
          " are available; try --weights int4, a smaller --ctx or a smaller --max-batch-size");
}

}  // namespace visavis::generate
