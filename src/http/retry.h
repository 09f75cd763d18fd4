// Which failed requests are worth another attempt, and when. Pure of clocks: the caller says what
// time it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/rng.h"

namespace visavis::http {

/// Seconds before attempt number `attempt` (1 is the second one): doubles every time, at most 30,
/// of which a random half, so that many clients do not come back at once.
double back_off(int attempt, double first_wait, base::Rng& rng);

/// The value of a Retry-After header, seconds or an HTTP date, as seconds from `unix_now`; nothing
/// if it is neither.
std::optional<double> retry_after(std::string_view value, int64_t unix_now);

/// Whether a request that came back with this HTTP status may be sent again.
bool is_worth_another(int status);

}  // namespace visavis::http
