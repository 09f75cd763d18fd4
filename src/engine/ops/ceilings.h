// What a device can do at best, measured: the rates that bound every kernel. Not a benchmark of
// kernels (bench/ops_bench.cpp and `visavis bench` compare them with these).
#pragma once

#include <cstdint>
#include <string>

namespace visavis::ops {

/// Operations are multiplications and additions: two for each multiply-add. 0: the device has no
/// such instruction.
struct Ceilings {
  double bytes_per_second = 0;       // reading memory far larger than the caches
  double flops_per_second = 0;       // f32 multiply-adds
  double int8_ops_per_second = 0;    // int8 x int8 -> s32
  double bf16_flops_per_second = 0;  // bf16 x bf16 -> f32
  std::string int8_instruction;      // "vpdpbusd, 512 bits"
};

/// Measures the ceilings of one device. Holds memory on it until it goes.
class CeilingProbe {
 public:
  virtual ~CeilingProbe() = default;
  /// All of them; takes some seconds.
  virtual Ceilings measure() = 0;
  /// Only bytes_per_second and briefly, any number of times: on a machine shared with others it
  /// changes within seconds.
  virtual double read_rate() = 0;
  /// What it holds on the device.
  virtual int64_t bytes() const = 0;
};

}  // namespace visavis::ops
