// The one thread of a device. It owns the Ops and the workspace arena, and every model on the
// device does all its device work there: models register a Worker and the loop gives each of them
// one step in turn. Not a general task queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chat/completion.h"
#include "engine/ops/ops.h"
#include "engine/tensor/buffer.h"
#include "machine/gpu.h"

namespace visavis::generate {

class DeviceLoop;

/// Something that has steps to do on the device's thread.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Does one piece of work; false if there was none. Must not throw.
  virtual bool step() = 0;
};

class DeviceLoop {
 public:
  /// `memory`: of the card that the Ops uses, made before the Ops; null: a CPU.
  explicit DeviceLoop(std::unique_ptr<ops::Ops> ops,
                      std::unique_ptr<machine::GpuMemorySampler> memory = nullptr);
  DeviceLoop(const DeviceLoop&) = delete;
  DeviceLoop& operator=(const DeviceLoop&) = delete;
  /// Ends the thread. No worker may be left.
  ~DeviceLoop();

  /// Runs the task on the device's thread between steps, waits for it and throws what it threw. May
  /// not be called on the device's thread itself.
  void call(const std::function<void(ops::Ops&)>& task);
  /// Registers or removes a worker, and returns when no step of it runs.
  void add(Worker& worker);
  void remove(Worker& worker);
  /// Tells the loop that a worker may have work. Thread-safe.
  void wake();

  /// The activations' arena, shared by all models; for the device's thread only.
  tensor::Arena& workspace() { return workspace_; }
  /// Makes the workspace at least so large; for the device's thread only, between steps.
  void reserve_workspace(int64_t bytes);

  /// Fills in what was measured: the device's memory on a card, else this process's. For the
  /// device's thread only.
  void measure_memory(chat::Memory& memory) const;

  /// Ops::description, readable on any thread.
  const std::string& description() const { return description_; }
  /// Of the card that the Ops uses; empty for a CPU.
  std::string card_bus_id() const { return memory_ ? memory_->bus_id() : std::string(); }

 private:
  void run();

  std::unique_ptr<machine::GpuMemorySampler> memory_;
  std::unique_ptr<ops::Ops> ops_;
  std::string description_;
  tensor::Arena workspace_{tensor::Buffer()};
  std::vector<Worker*> workers_;  // the device's thread only

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_, as are the flags
  bool woken_ = false;
  bool ending_ = false;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace visavis::generate
