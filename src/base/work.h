// What a piece of inference has to do at least: bytes to read and operations. Plain data that the
// engine counts and the harness turns into seconds and money.
#pragma once

namespace visavis::base {

/// A multiply-add is two operations, counted under the format that it runs in; f16 counts as bf16,
/// which devices multiply at the same rate.
struct Work {
  double bytes = 0;
  double int8_ops = 0;
  double bf16_ops = 0;
  double f32_ops = 0;

  Work& operator+=(const Work& other) {
    bytes += other.bytes;
    int8_ops += other.int8_ops;
    bf16_ops += other.bf16_ops;
    f32_ops += other.f32_ops;
    return *this;
  }
};

}  // namespace visavis::base
