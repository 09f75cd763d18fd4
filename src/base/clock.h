// Time as the engine measures it: monotonic nanoseconds since an arbitrary start. Passed in, so
// that tests can drive it. Wall-clock dates are only for records that people read.
#pragma once

#include <cstdint>
#include <string>

namespace visavis::base {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic nanoseconds. Thread-safe.
  virtual int64_t now_ns() const = 0;
};

/// The machine's monotonic clock; lives as long as the program.
const Clock& steady_clock();

inline double seconds_between(int64_t begin_ns, int64_t end_ns) {
  return static_cast<double>(end_ns - begin_ns) * 1e-9;
}

/// The current UTC date and time as "2026-01-31T23:59:59Z".
std::string utc_timestamp();

}  // namespace visavis::base
