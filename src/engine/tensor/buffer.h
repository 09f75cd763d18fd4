// Memory and views of it. Buffer owns (move-only), View and MutView borrow (cheap copies). A view
// says nothing about who must live longer; the function that returns one does.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

#include "engine/tensor/dtype.h"

namespace visavis::tensor {

/// Up to five extents, outermost first.
class Shape {
 public:
  static constexpr int kMaxRank = 5;
  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) {
    assert(extents.size() <= kMaxRank);
    for (const int64_t extent : extents) push_back(extent);
  }
  void push_back(int64_t extent) {
    assert(rank_ < kMaxRank);
    extents_[static_cast<size_t>(rank_++)] = extent;
  }
  int rank() const { return rank_; }
  int64_t operator[](int axis) const {
    assert(axis >= 0 && axis < rank_);
    return extents_[static_cast<size_t>(axis)];
  }
  int64_t elements() const {
    int64_t product = 1;
    for (int i = 0; i < rank_; ++i) product *= extents_[static_cast<size_t>(i)];
    return product;
  }
  /// "[2, 3]"
  std::string text() const;
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// Owned bytes on some device, aligned to 64. The deleter knows the device; host code may touch the
/// bytes only when on_host().
class Buffer {
 public:
  Buffer() = default;
  /// Uninitialised host memory. Throws Error if the system has none left.
  static Buffer host(int64_t bytes);
  /// Memory that somebody else provides, kept alive by `owner` (a mapped file, a device
  /// allocation).
  static Buffer adopt(std::shared_ptr<void> owner, std::byte* data, int64_t bytes, bool on_host);

  /// The same bytes, kept alive by both.
  Buffer share() const;

  Buffer(Buffer&&) = default;
  Buffer& operator=(Buffer&&) = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  bool on_host() const { return on_host_; }

  template <class T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  std::shared_ptr<void> owner_;
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
  bool on_host_ = true;
};

/// Borrowed, contiguous, row-major elements that may be read.
struct View {
  DType dtype = DType::f32;
  Shape shape;
  const std::byte* data = nullptr;

  int64_t bytes() const { return shape.elements() * size_of(dtype); }
  /// Rows of a matrix view: all extents but the last multiplied.
  int64_t rows() const { return shape.rank() == 0 ? 1 : shape.elements() / columns_or_one(); }
  int64_t cols() const { return shape.rank() == 0 ? 1 : shape[shape.rank() - 1]; }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data);
  }
  const float* f32() const {
    assert(dtype == DType::f32);
    return as<float>();
  }
  const int32_t* i32() const {
    assert(dtype == DType::i32);
    return as<int32_t>();
  }

 private:
  int64_t columns_or_one() const {
    const int64_t last = shape[shape.rank() - 1];
    return last == 0 ? 1 : last;
  }
};

/// Borrowed elements that may be written.
struct MutView {
  DType dtype = DType::f32;
  Shape shape;
  std::byte* data = nullptr;

  operator View() const { return {dtype, shape, data}; }  // NOLINT: a writable view can be read
  int64_t bytes() const { return shape.elements() * size_of(dtype); }
  int64_t rows() const { return View(*this).rows(); }
  int64_t cols() const { return View(*this).cols(); }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
  float* f32() const {
    assert(dtype == DType::f32);
    return as<float>();
  }
  int32_t* i32() const {
    assert(dtype == DType::i32);
    return as<int32_t>();
  }
};

/// View of rows [begin, end) along the first axis.
View slice_rows(const View& view, int64_t begin, int64_t end);
MutView slice_rows(const MutView& view, int64_t begin, int64_t end);

/// A bump allocator over one Buffer, used for the activations of one step. take() never grows: a
/// step that needs more than was planned is a mistake of ours and throws Error with both numbers.
class Arena {
 public:
  explicit Arena(Buffer buffer) : buffer_(std::move(buffer)) {}
  MutView take(DType dtype, const Shape& shape);
  MutView take_f32(std::initializer_list<int64_t> extents) {
    return take(DType::f32, Shape(extents));
  }
  int64_t used() const { return used_; }
  int64_t high_water() const { return high_water_; }
  int64_t capacity() const { return buffer_.bytes(); }
  /// Of its first byte, to tell whether it has moved.
  uintptr_t address() const { return reinterpret_cast<uintptr_t>(buffer_.data()); }
  /// Frees everything taken since `mark` (a former used()).
  void rewind(int64_t mark) { used_ = mark; }
  /// Bytes that take() uses for a tensor of this size, alignment included.
  static int64_t footprint(int64_t bytes) { return (bytes + 63) / 64 * 64; }

 private:
  Buffer buffer_;
  int64_t used_ = 0;
  int64_t high_water_ = 0;
};

/// Frees what a scope took from an arena.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.used()) {}
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
  ~ArenaScope() { arena_.rewind(mark_); }

 private:
  Arena& arena_;
  int64_t mark_;
};

}  // namespace visavis::tensor
