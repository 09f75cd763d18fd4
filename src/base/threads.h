// A fixed pool of worker threads for data-parallel loops. Not a task queue: one loop runs at a
// time, the caller works too, and ranges are split the same way for the same thread count
// (determinism).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace visavis::base {

class ThreadPool {
 public:
  /// `threads` counts the caller; 0 means one per CPU that this process may use.
  explicit ThreadPool(int threads = 0);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return threads_; }

  /// Calls body(begin, end) on disjoint ranges that cover [0, count); every range but the last is a
  /// multiple of `grain` long. Returns when all are done; the first exception is thrown again here.
  /// Not re-entrant: body must not call parallel_for of the same pool. One caller at a time.
  void parallel_for(int64_t count, int64_t grain,
                    const std::function<void(int64_t begin, int64_t end)>& body);

 private:
  struct Shared;
  int threads_;
  std::unique_ptr<Shared> shared_;
};

/// CPUs in this process's affinity mask (at least 1).
int available_cpus();

}  // namespace visavis::base
