// Continuous batching for one model on its device's thread: admits requests while pages are free,
// encodes their pictures, feeds prompts in chunks beside the sequences that are being decoded, and
// samples. What earlier requests left behind (features, pages of equal prefixes) is used again. One
// request's error becomes that request's Failure. Not aware of files or the network.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "engine/generate/device_loop.h"
#include "engine/generate/feature_cache.h"
#include "engine/generate/kv_pool.h"
#include "engine/generate/memory_plan.h"
#include "engine/generate/preparer.h"
#include "engine/generate/sequence.h"
#include "engine/generate/step_buffers.h"

namespace visavis::generate {

class Scheduler : public Worker {
 public:
  /// Allocates KV pages, step buffers and room for features as planned; call it on the device's
  /// thread. Model (loaded) and loop must outlive the scheduler.
  Scheduler(models::Model& model, DeviceLoop& loop, ops::Ops& ops, const models::Limits& limits,
            const MemoryPlan& plan, bool prefix_cache, const base::Clock& clock);

  /// Thread-safe; return at once.
  chat::Ticket submit(chat::Request request, chat::Sink& sink);
  void cancel(chat::Ticket ticket);
  /// The future throws what went wrong.
  std::future<chat::Score> score(chat::ScoreRequest request);

  bool step() override;
  /// Cancels everything; for the device's thread.
  void cancel_all();
  /// For the device's thread.
  PageLedger::Counts page_counts() { return pool_.pages().counts(); }

 private:
  using SequencePtr = std::unique_ptr<Sequence>;

  void enqueue(SequencePtr sequence);
  void take_inbox();
  bool admit_next();
  bool is_prepared(Sequence& sequence);
  void take_prompt(Sequence& sequence, Prepared prepared) const;
  bool take_pages(Sequence& sequence);
  bool encode_next_picture();
  void name_full_pages(Sequence& sequence);
  int64_t rows_of(const Sequence& sequence) const;
  bool run_rows();
  bool device_draws(const Sequence& sequence) const;
  bool device_chooses(const Sequence& sequence) const;
  void run_group(std::span<Sequence* const> group);
  void add_rows(const Sequence& sequence, int64_t count, StepRows& rows,
                std::vector<models::ImageRows>& images) const;
  void use_logits(Sequence& sequence, int64_t first_row, int64_t begin, int64_t end);
  void answer_token(Sequence& sequence, int64_t logit_row);
  void accept(Sequence& sequence, int32_t id);
  void score_row(Sequence& sequence, int64_t position, int64_t logit_row);
  std::vector<float> read_logits(int64_t logit_row);
  void finish(Sequence& sequence, chat::Finish finish);
  void fail_with(Sequence& sequence, const std::string& message, bool of_request = false);
  void keep_logprobs(Sequence& sequence, std::span<const float> logits, int32_t id) const;
  void remove_done();
  double seconds_since_accepted(const Sequence& sequence) const;

  models::Model& model_;
  DeviceLoop& loop_;
  ops::Ops& ops_;
  const base::Clock& clock_;
  models::Limits limits_;
  chat::Memory memory_;
  bool prefix_cache_;
  KvPool pool_;
  StepBuffers buffers_;
  FeatureCache features_;
  std::deque<SequencePtr> waiting_;
  std::vector<SequencePtr> running_;
  std::vector<int32_t> choices_;  // the device's token per logit row of this step
  int64_t step_begin_ns_ = 0;

  std::mutex mutex_;
  std::vector<SequencePtr> inbox_;              // guarded by mutex_
  std::unordered_set<chat::Ticket> cancelled_;  // guarded by mutex_
  chat::Ticket next_ticket_ = 1;                // guarded by mutex_

  Preparer preparer_;  // last: its thread wakes the loop
};

}  // namespace visavis::generate
