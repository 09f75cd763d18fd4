// What a model will occupy, known before anything is allocated: printed, and obeyed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "chat/completion.h"
#include "engine/models/model.h"
#include "engine/ops/ops.h"

namespace visavis::generate {

constexpr int64_t kUsualVisionCache = 256'000'000;

/// Bytes on the device, but for host_table.
struct MemoryPlan {
  int64_t weights = 0;
  int64_t vision = 0;
  int64_t kv = 0;
  int64_t workspace = 0;       // shared by the models of a device
  int64_t image_features = 0;  // of the prompt that is being fed
  int64_t vision_cache = 0;    // of pictures seen before
  int64_t step_buffers = 0;    // ids, positions, page tables, logits
  int64_t scratch = 0;         // of the device's kernels, shared as the workspace is
  int64_t host_table = 0;      // of embeddings, in host memory beside a device's own

  int64_t total() const {
    return weights + vision + kv + workspace + image_features + vision_cache + step_buffers +
           scratch;
  }
  /// As results store it; nothing measured yet.
  chat::Memory reported() const;
  /// "weights 4.2 GB + vision 1.2 GB + KV 0.6 GB (4096 tokens x 1) + ... = 6.8 GB"
  std::string text(const models::Limits& limits) const;
};

/// `vision_cache`: bytes for the features of pictures seen before; absent: as much as one prompt's
/// pictures may take, but not above the usual one, and none on a device with memory of its own:
/// there memory decides, and a picture that begins a prompt is found in the prefix cache.
MemoryPlan plan_memory(const models::Model& model, const models::Limits& limits,
                       std::optional<int64_t> vision_cache, const ops::Ops& ops);

/// Throws Error with the plan unless it fits into `available` bytes; `there` of them are already
/// held (workspace and scratch that models share).
void require_fits(const MemoryPlan& plan, const models::Limits& limits, int64_t available,
                  int64_t there = 0);

/// Throws Error unless the plan fits: into the free memory of the Ops' device if that has its own,
/// and into what this machine has available.
void require_room(const MemoryPlan& plan, const models::Limits& limits, const ops::Ops& ops,
                  int64_t there = 0);

}  // namespace visavis::generate
