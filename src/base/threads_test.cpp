#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace visavis::base {
namespace {

TEST(ThreadPool, CoversEveryIndexOnceForManyCountsAndGrains) {
  ThreadPool pool(3);
  for (const int64_t count : {0, 1, 2, 7, 64, 1000}) {
    for (const int64_t grain : {1, 3, 16}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(count));
      pool.parallel_for(count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
      });
      for (const auto& hit : hits) EXPECT_EQ(hit, 1);
    }
  }
}

TEST(ThreadPool, ThrowsTheBodysExceptionAndStaysUsable) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(100, 1,
                                 [](int64_t begin, int64_t end) {
                                   if (begin <= 42 && 42 < end) throw std::runtime_error("x");
                                 }),
               std::runtime_error);
  std::atomic<int64_t> sum = 0;
  pool.parallel_for(10, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  EXPECT_EQ(sum, 10);
}

TEST(ThreadPool, RunsManySmallLoopsOneAfterTheOtherWithMoreThreadsThanCpus) {
  ThreadPool pool(available_cpus() + 3);
  std::vector<int64_t> values(257);
  for (int loop = 0; loop < 3000; ++loop) {
    pool.parallel_for(static_cast<int64_t>(values.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++values[static_cast<size_t>(i)];
    });
    // A worker that is still inside, or runs a chunk of the next loop, would show here.
    ASSERT_EQ(values.front(), loop + 1);
    ASSERT_EQ(values.back(), loop + 1);
  }
  for (const int64_t value : values) EXPECT_EQ(value, 3000);
}

TEST(ThreadPool, WakesWorkersThatHaveGoneToSleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // longer than workers spin
    // Each of the two threads waits for the other one inside the loop: nobody can do it alone.
    std::atomic<int> inside = 0;
    pool.parallel_for(2, 1, [&](int64_t, int64_t) {
      ++inside;
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (inside < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    });
    EXPECT_EQ(inside, 2);
  }
}

}  // namespace
}  // namespace visavis::base
