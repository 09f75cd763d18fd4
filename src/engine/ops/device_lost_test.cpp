// A device that fails for good: told in one line, by every call after it too, and nothing crashes.
#include "engine/ops/ops_under_test.h"

namespace visavis::ops {
namespace {

// A process of its own, since the driver gives a process no second chance.
[[noreturn]] void use_a_lost_device() {
  std::unique_ptr<Ops> ops = make_cuda_ops({});
  const Buffer there = ops->allocate(16);
  const MutView good{DType::f32, {1, 4}, const_cast<std::byte*>(there.data())};
  const View nowhere{DType::f32, {1, 4}, reinterpret_cast<const std::byte*>(uintptr_t{1} << 12)};
  int told = 0;
  const auto call = [&told](const std::function<void()>& operation) {
    try {
      operation();
    } catch (const Error& error) {
      ++told;
      std::cerr << error.what() << '\n';
    }
  };
  call([&] {
    ops->add(nowhere, good);
    ops->wait();
  });
  call([&] { ops->allocate(int64_t{64} << 20); });
  call([&] {
    float values[4];
    ops->download(good, values);
  });
  ops.reset();
  std::exit(told == 3 ? 3 : 4);
}

TEST(LostDeviceDeathTest, IsToldByEveryCallAndCrashesNothing) {
  if (cuda_kernel_names().empty()) GTEST_SKIP() << "this build or machine has no CUDA device";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(use_a_lost_device(), testing::ExitedWithCode(3),
              "CUDA: waiting for the device: an illegal memory access");
}

}  // namespace
}  // namespace visavis::ops
