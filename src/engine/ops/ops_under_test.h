// Helpers of the tests in this folder: every variant that this machine can run, random tensors on
// it, and the distance between a result and its reference in double. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "engine/ops/host_views.h"
#include "engine/ops/ops.h"

namespace visavis::ops {

/// One Ops per kernel name that this CPU, and a CUDA device if there is one, supports, plain
/// included.
struct OpsUnderTest {
  std::string name;
  std::unique_ptr<Ops> ops;
  bool cuda = false;
};

/// The kernel names of the first CUDA device; none if there is no device, of which one line tells.
inline std::set<std::string> cuda_kernel_names() {
  static const std::set<std::string> names = [] {
    std::set<std::string> found;
    if (!has_cuda()) return found;
    try {
      for (const KernelRow& row : cuda_kernels(0))
        if (row.supported) found.insert(row.name);
    } catch (const Error& error) {
      std::cout << "[  SKIPPED ] tests on a CUDA device: " << error.what() << std::endl;
    }
    return found;
  }();
  return names;
}

inline std::vector<OpsUnderTest> every_ops(int threads = 2) {
  std::set<std::string> names;
  for (const KernelRow& row : cpu_kernels())
    if (row.supported) names.insert(row.name);
  std::vector<OpsUnderTest> result;
  for (const std::string& name : names)
    result.push_back({name, make_cpu_ops({.threads = threads, .kernel = name})});
  for (const std::string& name : cuda_kernel_names())
    result.push_back(
        {"cuda " + name,
         std::make_unique<HostViews>(make_cuda_ops({.kernel = name, .separate = true})), true});
  return result;
}

/// A tensor that owns its memory. Values between -1 and 1 unless said otherwise.
class Tensor {
 public:
  Tensor(DType dtype, const tensor::Shape& shape)
      : buffer_(Buffer::host(std::max<int64_t>(1, shape.elements() * tensor::size_of(dtype)))),
        view_{dtype, shape, buffer_.data()} {}

  static Tensor random(base::Rng& rng, std::initializer_list<int64_t> extents, float size = 1) {
    Tensor tensor(DType::f32, tensor::Shape(extents));
    for (float& value : tensor.values()) value = static_cast<float>(rng.uniform() * 2 - 1) * size;
    return tensor;
  }
  /// f32 filled with NaN: whatever an operation forgets to write is found by the comparison.
  static Tensor poisoned(std::initializer_list<int64_t> extents) {
    Tensor tensor(DType::f32, tensor::Shape(extents));
    for (float& value : tensor.values()) value = std::numeric_limits<float>::quiet_NaN();
    return tensor;
  }
  static Tensor ints(const std::vector<int32_t>& values) {
    Tensor tensor(DType::i32, {static_cast<int64_t>(values.size())});
    std::memcpy(tensor.view_.data, values.data(), values.size() * sizeof(int32_t));
    return tensor;
  }
  Tensor copy() const {
    Tensor twin(view_.dtype, view_.shape);
    std::memcpy(twin.view_.data, view_.data, static_cast<size_t>(view_.bytes()));
    return twin;
  }

  MutView view() const { return view_; }
  operator MutView() const { return view_; }  // NOLINT: a tensor is passed where a view is wanted
  operator View() const { return view_; }     // NOLINT
  std::span<float> values() const {
    return {view_.f32(), static_cast<size_t>(view_.shape.elements())};
  }
  std::vector<float> to_vector() const { return {values().begin(), values().end()}; }
  float& operator[](int64_t i) const { return view_.f32()[i]; }

 private:
  Buffer buffer_;
  MutView view_;
};

/// |a - b| / |b| in the Euclidean norm; infinite if `a` holds anything that is not finite.
inline double relative_distance(std::span<const float> a, std::span<const double> b) {
  EXPECT_EQ(a.size(), b.size());
  double off = 0;
  double size = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    off += d * d;
    size += b[i] * b[i];
  }
  if (!std::isfinite(off)) return std::numeric_limits<double>::infinity();
  return size == 0 ? std::sqrt(off) : std::sqrt(off / size);
}

}  // namespace visavis::ops
