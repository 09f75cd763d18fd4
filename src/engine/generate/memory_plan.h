// What a model will occupy, known before anything is allocated: printed, and obeyed.
#pragma once

#include <cstdint>
#include <string>

#include "engine/models/model.h"

namespace visavis::generate {

/// Bytes on the device.
struct MemoryPlan {
  int64_t weights = 0;
  int64_t vision = 0;
  int64_t kv = 0;
  int64_t workspace = 0;  // shared by the models of a device
  int64_t image_features = 0;
  int64_t step_buffers = 0;  // ids, positions, page tables, logits

  int64_t total() const {
    return weights + vision + kv + workspace + image_features + step_buffers;
  }
  /// "weights 4.2 GB + vision 1.2 GB + KV 0.6 GB (4096 tokens x 1) + ... = 6.8 GB"
  std::string text(const models::Limits& limits) const;
};

MemoryPlan plan_memory(const models::Model& model, const models::Limits& limits);

/// Throws Error with the plan unless it fits into `available` bytes.
void require_fits(const MemoryPlan& plan, const models::Limits& limits, int64_t available);

}  // namespace visavis::generate
