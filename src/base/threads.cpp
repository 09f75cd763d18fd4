#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace visavis::base {

int available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable start;
  std::condition_variable finished;
  uint64_t generation = 0;
  int running = 0;
  bool stopping = false;

  const std::function<void(int64_t, int64_t)>* body = nullptr;
  int64_t count = 0;
  int64_t chunk = 1;
  std::atomic<int64_t> next{0};
  std::exception_ptr error;

  std::vector<std::jthread> workers;

  // Chunks are taken first come first served; which thread ran a chunk never changes its result.
  void work() {
    while (true) {
      const int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count) return;
      try {
        (*body)(begin, std::min(begin + chunk, count));
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next.store(count, std::memory_order_relaxed);
      }
    }
  }

  void run_worker() {
    uint64_t seen = 0;
    while (true) {
      {
        std::unique_lock lock(mutex);
        start.wait(lock, [&] { return stopping || generation != seen; });
        if (stopping) return;
        seen = generation;
      }
      work();
      const std::lock_guard lock(mutex);
      if (--running == 0) finished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads)
    : threads_(threads > 0 ? threads : available_cpus()), shared_(std::make_unique<Shared>()) {
  for (int i = 1; i < threads_; ++i)
    shared_->workers.emplace_back([shared = shared_.get()] { shared->run_worker(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->start.notify_all();
}

void ThreadPool::parallel_for(int64_t count, int64_t grain,
                              const std::function<void(int64_t, int64_t)>& body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(1, grain);
  if (threads_ == 1 || count <= grain) {
    body(0, count);
    return;
  }
  Shared& shared = *shared_;
  {
    const std::lock_guard lock(shared.mutex);
    shared.body = &body;
    shared.count = count;
    // About four chunks a thread even out unequal work and stolen time slices.
    const int64_t grains = (count + grain - 1) / grain;
    shared.chunk = std::max<int64_t>(1, grains / (int64_t{4} * threads_)) * grain;
    shared.next.store(0, std::memory_order_relaxed);
    shared.error = nullptr;
    shared.running = threads_ - 1;
    ++shared.generation;
  }
  shared.start.notify_all();
  shared.work();
  std::unique_lock lock(shared.mutex);
  shared.finished.wait(lock, [&] { return shared.running == 0; });
  if (shared.error) std::rethrow_exception(shared.error);
}

}  // namespace visavis::base
