// Where rows of a weight go while it is loaded: in place on a host, staged and sent elsewhere, in
// any layout. Not where they come from (loader.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/load/weight_policy.h"
#include "engine/ops/ops.h"
#include "engine/tensor/buffer.h"

namespace visavis::load {

enum class RowResult { done, not_finite, too_large };

/// Rows [begin, end) of a buffer on any device: written in place on a host, else staged.
class RowWindow {
 public:
  RowWindow(tensor::Buffer& target, int64_t row_bytes, int64_t begin, int64_t end);
  std::byte* row(int64_t i) {
    return (target_.on_host() ? target_.data() + offset_ : staging_.data()) + i * row_bytes_;
  }
  void send(ops::Ops& ops);

 private:
  tensor::Buffer& target_;
  int64_t row_bytes_;
  int64_t offset_;
  int64_t bytes_;
  tensor::Buffer staging_;
};

/// Rows [begin, end) of a weight's values (or codes) and scales, in any layout.
class WeightRows {
 public:
  WeightRows(const Layout& layout, int64_t cols, tensor::Buffer& values, tensor::Buffer& scales,
             int64_t begin, int64_t end);

  /// Row begin + i; any thread, rows in any order.
  RowResult write(std::span<const float> row, int64_t i, std::vector<std::byte>& room);
  /// Row begin + i of interleaved codes, from codes and scales that lie as plain rows do.
  void interleave(int64_t i, const std::byte* codes, const std::byte* scales);
  /// The plain rows from begin on, which codes may be written to directly.
  std::byte* codes(int64_t i) { return value_window_.row(i); }
  std::byte* scales(int64_t i) { return scale_window_.row(i); }

  void send(ops::Ops& ops);

 private:
  RowResult write_plain(std::span<const float> row, std::byte* values, std::byte* scales) const;

  Layout layout_;  // of one row by itself
  bool interleaved_;
  int64_t cols_;
  int64_t begin_;
  tensor::Buffer& values_;
  tensor::Buffer& scales_;
  RowWindow value_window_;
  RowWindow scale_window_;
};

}  // namespace visavis::load
