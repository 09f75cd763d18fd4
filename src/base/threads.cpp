#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace visavis::base {
namespace {

// How often a thread looks before it sleeps: some tens of microseconds, the pause between two loops
// of a model's step. Waking a sleeper takes about as long.
constexpr int kSpins = 4000;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The gate tells workers which loop runs: bits 0..15 the workers inside, bit 16 whether more may
// enter, the rest counts the loops.
constexpr uint64_t kInside = 0xFFFF;
constexpr uint64_t kOpen = 0x10000;
constexpr uint64_t kNextLoop = 0x20000;

uint64_t loop_of(uint64_t gate) { return gate / kNextLoop; }

}  // namespace

int available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// A loop does not wait for workers that never came: the caller takes every chunk that nobody else
// has taken, closes the gate and waits only for the workers inside. So a sleeping or descheduled
// worker costs nothing but its help.
struct ThreadPool::Shared {
  std::atomic<uint64_t> gate{0};
  std::mutex mutex;
  std::condition_variable start;
  std::condition_variable left;
  int sleepers = 0;  // workers waiting for `start`; guarded by mutex
  bool stopping = false;

  // The loop that runs; written only while no worker is inside.
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  int64_t count = 0;
  int64_t grain = 1;
  int64_t shares = 1;
  std::atomic<int64_t> next{0};
  std::exception_ptr error;  // guarded by mutex

  std::vector<std::jthread> workers;

  // Where the chunk that starts at `begin` ends: large ones first, down to single grains, so that
  // the threads finish together however unequal the work is or how much of their time is stolen.
  int64_t end_of_chunk(int64_t begin) const {
    const int64_t grains = (count - begin + grain - 1) / grain;
    return std::min(count, begin + (grains + shares - 1) / shares * grain);
  }

  // Chunks are taken first come first served; which thread ran a chunk never changes its result.
  void work() {
    int64_t begin = next.load(std::memory_order_relaxed);
    while (begin < count) {
      const int64_t end = end_of_chunk(begin);
      if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
      try {
        (*body)(begin, end);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next.store(count, std::memory_order_relaxed);
      }
      begin = next.load(std::memory_order_relaxed);
    }
  }

  // Returns the gate of a loop later than `seen`, or nothing when the pool stops.
  bool wait_for_loop(uint64_t& seen) {
    for (int spin = 0; spin < kSpins; ++spin) {
      const uint64_t now = gate.load(std::memory_order_acquire);
      if (loop_of(now) != seen) {
        seen = loop_of(now);
        return true;
      }
      pause_briefly();
    }
    std::unique_lock lock(mutex);
    ++sleepers;
    start.wait(lock, [&] { return stopping || loop_of(gate.load()) != seen; });
    --sleepers;
    seen = loop_of(gate.load());
    return !stopping;
  }

  void run_worker() {
    uint64_t seen = 0;
    while (wait_for_loop(seen)) {
      uint64_t now = gate.load(std::memory_order_acquire);
      while ((now & kOpen) != 0) {
        if (!gate.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) continue;
        seen = loop_of(now);
        work();
        leave();
        break;
      }
    }
  }

  void leave() {
    const uint64_t before = gate.fetch_sub(1, std::memory_order_acq_rel);
    if ((before & kInside) != 1 || (before & kOpen) != 0) return;
    const std::lock_guard lock(mutex);  // the caller is between its last look and its sleep
    left.notify_one();
  }

  void wait_until_empty() {
    for (int spin = 0; spin < kSpins; ++spin) {
      if ((gate.load(std::memory_order_acquire) & kInside) == 0) return;
      pause_briefly();
    }
    std::unique_lock lock(mutex);
    left.wait(lock, [&] { return (gate.load(std::memory_order_acquire) & kInside) == 0; });
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
  shared.body = &body;
  shared.count = count;
  shared.grain = grain;
  shared.shares = int64_t{2} * threads_;
  shared.next.store(0, std::memory_order_relaxed);
  shared.error = nullptr;
  bool somebody_sleeps = false;
  {
    const std::lock_guard lock(shared.mutex);
    // Closed and empty by now, so adding opens the gate for the next loop.
    shared.gate.fetch_add(kNextLoop + kOpen, std::memory_order_acq_rel);
    somebody_sleeps = shared.sleepers > 0;
  }
  if (somebody_sleeps) shared.start.notify_all();
  shared.work();
  shared.gate.fetch_sub(kOpen, std::memory_order_acq_rel);
  shared.wait_until_empty();
  const std::lock_guard lock(shared.mutex);
  if (shared.error) std::rethrow_exception(std::exchange(shared.error, nullptr));
}

}  // namespace visavis::base
