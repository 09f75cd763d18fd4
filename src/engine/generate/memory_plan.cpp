#include "engine/generate/memory_plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/generate/kv_pool.h"
#include "engine/generate/step_buffers.h"

namespace visavis::generate {

std::string MemoryPlan::text(const models::Limits& limits) const {
  return "weights " + base::human_bytes(weights) + " + vision " + base::human_bytes(vision) +
         " + KV " + base::human_bytes(kv) + " (" + std::to_string(limits.context) + " tokens x " +
         std::to_string(limits.batch) + ") + workspace " + base::human_bytes(workspace) +
         " + image features " + base::human_bytes(image_features) + " + vision cache " +
         base::human_bytes(vision_cache) + " + step " + base::human_bytes(step_buffers) + " = " +
         base::human_bytes(total());
}

chat::Memory MemoryPlan::reported() const {
  return {.weights = weights,
          .vision = vision,
          .kv = kv,
          .workspace = workspace + image_features + vision_cache + step_buffers};
}

MemoryPlan plan_memory(const models::Model& model, const models::Limits& limits,
                       std::optional<int64_t> vision_cache) {
  const models::ModelMemory own = model.plan(limits);
  return {.weights = own.weights,
          .vision = own.vision,
          .kv = KvPool::bytes(model.dimensions(), limits),
          .workspace = own.workspace,
          .image_features = own.image_features,
          .vision_cache = vision_cache.value_or(std::min(own.image_features, kUsualVisionCache)),
          .step_buffers = StepBuffers::bytes(model.dimensions(), limits)};
}

void require_fits(const MemoryPlan& plan, const models::Limits& limits, int64_t available) {
  require(plan.total() <= available, "not enough memory: ", plan.text(limits), ", but only ",
          base::human_bytes(available),
          " are available; try --weights int4, a smaller --ctx or --max-batch-size, or "
          "--no-vision-cache");
}

}  // namespace visavis::generate
