// A checkpoint on this machine as a ChatModel and Scorer: loads it onto a device's thread under a
// memory plan and hands requests to its scheduler. Which folder and options: cli/wiring.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "chat/chat_model.h"
#include "chat/scorer.h"
#include "engine/generate/device_loop.h"
#include "engine/generate/layer_tap.h"
#include "engine/generate/memory_plan.h"
#include "engine/generate/scheduler.h"
#include "engine/models/families.h"

namespace visavis::generate {

struct LocalModelOptions {
  std::string name;  // as the user called it
  std::filesystem::path folder;
  models::OpenOptions open;
  int64_t context = 0;  // 0: 4096, or the model's own longest if that is less
  int64_t batch = 1;
  int64_t chunk = 512;                  // rows of a prompt that are fed at once, at most
  int64_t longest_chunk = 0;            // of longer chunks that cost no memory; 0: none
  std::optional<tensor::DType> kv;      // absent: f32 with f32 weights, else f16
  std::optional<int64_t> vision_cache;  // bytes; absent: see plan_memory(); 0: off
  bool prefix_cache = true;
  int64_t vram_budget = 0;   // most bytes on a device with memory of its own; 0: what is free
  load::CacheOptions cache;  // of packed weights; off unless it names a folder
  LayerTap* tap = nullptr;   // the loop's Ops, if score() is to give what layers compute
};

class LocalModel : public chat::ChatModel, public chat::Scorer {
 public:
  /// Loads; blocks. The loop must outlive the model. Throws Error: a bad checkpoint, or a plan that
  /// does not fit the memory that is available (nothing has been allocated then).
  LocalModel(DeviceLoop& loop, LocalModelOptions options, const base::Clock& clock);
  /// Cancels what is in flight.
  ~LocalModel() override;

  const chat::ModelFacts& facts() const override { return facts_; }
  chat::Ticket submit(chat::Request request, chat::Sink& sink) override;
  void cancel(chat::Ticket ticket) override;
  chat::Score score(const chat::ScoreRequest& request) override;

  const models::Model& model() const { return *model_; }
  const models::Limits& limits() const { return limits_; }
  const MemoryPlan& plan() const { return plan_; }
  /// Of packed weights; null: none. After loading its write() may run on any thread.
  const std::shared_ptr<load::WeightCache>& cache() const { return cache_; }

 private:
  DeviceLoop& loop_;
  LayerTap* tap_;
  std::shared_ptr<load::WeightCache> cache_;
  std::unique_ptr<models::Model> model_;
  models::Limits limits_;
  MemoryPlan plan_;
  chat::ModelFacts facts_;
  std::unique_ptr<Scheduler> scheduler_;
};

/// The limits that the options ask for. Throws Error for a context beyond the model's positions.
models::Limits limits_of(const LocalModelOptions& options, const models::Model& model);

}  // namespace visavis::generate
