// The device buffers of one step: ids, positions, tables and logits at addresses that never move
// (CUDA graphs need that). Filled from plain host vectors, in one copy per step.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/models/model.h"
#include "engine/ops/ops.h"

namespace visavis::generate {

/// One step as the scheduler writes it, on the host.
struct StepRows {
  std::vector<int32_t> ids;
  std::vector<int32_t> time, row, column;  // positions
  std::vector<int32_t> slots;
  std::vector<int32_t> query_start = {0};
  std::vector<int32_t> kv_length;
  std::vector<int32_t> page_table;  // [sequences, max pages]
  std::vector<int32_t> logit_rows;
  int64_t longest_query = 0;
  int64_t longest_context = 0;
};

class StepBuffers {
 public:
  /// Most rows of one step whose logits are wanted: one per sequence, or this many of one scored
  /// continuation.
  static constexpr int64_t kScoredRows = 16;

  StepBuffers(ops::Ops& ops, const models::Dimensions& dimensions, const models::Limits& limits);

  static int64_t bytes(const models::Dimensions& dimensions, const models::Limits& limits);
  static int64_t max_tokens(const models::Limits& limits) { return limits.chunk + limits.batch; }
  static int64_t max_logit_rows(const models::Limits& limits) { return limits.batch + kScoredRows; }
  static int64_t max_pages(const models::Limits& limits);

  /// Copies the rows to the device; what is returned points into these buffers. Steps with equally
  /// many ids, sequences and logit rows lie at the same addresses.
  ops::StepBatch upload(ops::Ops& ops, const StepRows& rows);
  /// The rows to compute logits of, after upload().
  tensor::View logit_rows() const { return logit_rows_; }
  /// Room for their logits, f32 [n, vocabulary].
  tensor::MutView logits();
  /// Room for one chosen id per logit row, i32 [n].
  tensor::MutView choices();
  /// That of one row, i32 [1].
  tensor::MutView choice(int64_t logit_row);

  /// The key for Ops::run_step of a step in which every sequence brings one row and wants its
  /// logits; raises rows.longest_context to a bound that further steps of the same key share. 0 for
  /// other steps. `chosen`: the step calls arg_max, too. Call before upload(), for steps without
  /// pictures.
  uint64_t make_repeatable(StepRows& rows, const tensor::Arena& workspace, bool chosen) const;

 private:
  static constexpr uint64_t kLeastContextStep = 256;

  tensor::View place(const std::vector<int32_t>& values, const tensor::Shape& shape);

  int64_t vocabulary_;
  int64_t max_pages_;
  uint64_t number_ = 0;  // tells these buffers from others that lay at the same address
  std::vector<int32_t> packed_;
  tensor::Buffer numbers_, choices_, logits_;
  tensor::View logit_rows_;
};

}  // namespace visavis::generate
