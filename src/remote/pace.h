// When the next request to an endpoint may start: limits per minute, pauses that the endpoint asks
// for. Pure of clocks and threads: the caller says what time it is.
#pragma once

#include <cstdint>

namespace visavis::remote {

/// Limits of a whole endpoint, whichever thread asks. Times are seconds on any one clock. Not
/// thread-safe.
class Pace {
 public:
  /// 0: no limit.
  Pace(double requests_per_minute, double tokens_per_minute)
      : requests_per_minute_(requests_per_minute), tokens_per_minute_(tokens_per_minute) {}

  /// Seconds to wait before a request may start; 0 takes the slot.
  double start(double now);
  /// A request has taken so many tokens: with a limit, the next one waits until they are paid for.
  void spend(int64_t tokens, double now);
  /// Nothing starts before `until`.
  void pause(double until);

 private:
  double requests_per_minute_;
  double tokens_per_minute_;
  double next_start_ = 0;
  double tokens_paid_at_ = 0;  // when the tokens spent so far fit the limit
  double paused_until_ = 0;
};

}  // namespace visavis::remote
