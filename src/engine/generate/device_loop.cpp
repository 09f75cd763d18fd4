#include "engine/generate/device_loop.h"

#include <algorithm>
#include <cassert>
#include <future>
#include <utility>

#include "machine/process_memory.h"

namespace visavis::generate {

DeviceLoop::DeviceLoop(std::unique_ptr<ops::Ops> ops,
                       std::unique_ptr<machine::GpuMemorySampler> memory)
    : memory_(std::move(memory)),
      ops_(std::move(ops)),
      description_(ops_->description()),
      thread_([this] { run(); }) {}

DeviceLoop::~DeviceLoop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
  assert(workers_.empty());  // models must be gone before their device
}

void DeviceLoop::call(const std::function<void(ops::Ops&)>& task) {
  std::promise<void> done;
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back([this, &task, &done] {
      try {
        task(*ops_);
        done.set_value();
      } catch (...) {
        done.set_exception(std::current_exception());
      }
    });
  }
  changed_.notify_one();
  done.get_future().get();
}

void DeviceLoop::add(Worker& worker) {
  call([this, &worker](ops::Ops&) { workers_.push_back(&worker); });
}

void DeviceLoop::remove(Worker& worker) {
  call([this, &worker](ops::Ops&) { std::erase(workers_, &worker); });
}

void DeviceLoop::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void DeviceLoop::reserve_workspace(int64_t bytes) {
  if (workspace_.capacity() >= bytes) return;
  workspace_ = tensor::Arena(tensor::Buffer());  // free the small one before taking the large one
  workspace_ = tensor::Arena(ops_->allocate(bytes));
}

void DeviceLoop::measure_memory(chat::Memory& memory) const {
  memory.host_peak = machine::peak_resident_bytes();
  memory.device_peak = memory.host_peak;
  if (memory_ == nullptr) return;
  const machine::GpuMemory most = memory_->most();
  memory.device_peak = most.used;
  memory.device_process = most.process;
  memory.device_allocated = ops_->memory().peak;
}

void DeviceLoop::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!tasks_.empty()) {
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
      continue;
    }
    if (ending_) return;
    woken_ = false;
    lock.unlock();
    bool worked = false;
    for (Worker* worker : workers_) worked = worker->step() || worked;
    lock.lock();
    if (!worked) changed_.wait(lock, [this] { return woken_ || ending_ || !tasks_.empty(); });
  }
}

}  // namespace visavis::generate
