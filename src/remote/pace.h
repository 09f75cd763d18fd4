// When the next request to an endpoint may start: limits per minute, pauses that the endpoint asks
// for, growing waits between attempts. Pure of clocks and threads: the caller says what time it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/rng.h"

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

/// Seconds before attempt number `attempt` (1 is the second one): doubles every time, at most 30,
/// of which a random half, so that many clients do not come back at once.
double back_off(int attempt, double first_wait, base::Rng& rng);

/// The value of a Retry-After header, seconds or an HTTP date, as seconds from `unix_now`; nothing
/// if it is neither.
std::optional<double> retry_after(std::string_view value, int64_t unix_now);

/// Whether a request that came back with this HTTP status may be sent again.
bool is_worth_another(int status);

}  // namespace visavis::remote
