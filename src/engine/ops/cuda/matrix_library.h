// Products of large matrices by cuBLASLt, which is opened when first needed: a process that never
// multiplies on a GPU does without the library.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace visavis::ops::cuda {

enum class MatrixType { f32, bf16, f16 };

/// y[n, rows] = x[n, cols] W[rows, cols]^T, + bias, + what y holds; rows of each matrix lie
/// `*_row` values apart. Sums are f32, and f32 values are multiplied as they are (no TF32).
struct MatrixProduct {
  MatrixType type = MatrixType::bf16;  // of x and W
  bool y_f32 = true;                   // else as x
  bool accumulate = false;
  bool gelu_tanh = false;  // after the bias; not together with accumulate
  float scale = 1;         // of the product, before bias and what y holds
  int64_t rows = 0;
  int64_t n = 0;
  int64_t cols = 0;
  const void* w = nullptr;
  int64_t w_row = 0;
  const void* x = nullptr;
  int64_t x_row = 0;
  void* y = nullptr;
  int64_t y_row = 0;
  const void* bias = nullptr;  // [count, rows] of y's type, or null
  // Several products of equal shape: how far their matrices lie apart, in values.
  int64_t count = 1;
  int64_t w_step = 0;
  int64_t x_step = 0;
  int64_t y_step = 0;
};

class MatrixLibrary {
 public:
  /// Whether the library can be opened.
  static bool installed();
  /// The library for the current device, or null where it is not installed.
  static std::unique_ptr<MatrixLibrary> open();
  virtual ~MatrixLibrary() = default;
  /// Queues the product, or returns false if the library has no kernel for it. `workspace` is in
  /// use until the product is done. Throws Error: the launch failed.
  virtual bool multiply(const MatrixProduct& product, void* workspace, size_t workspace_bytes,
                        cudaStream_t stream) = 0;
};

}  // namespace visavis::ops::cuda
