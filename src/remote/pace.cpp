#include "remote/pace.h"

#include <algorithm>

namespace visavis::remote {
namespace {

constexpr double kMinute = 60;

}  // namespace

double Pace::start(double now) {
  const double at = std::max({next_start_, tokens_paid_at_, paused_until_});
  if (at > now) return at - now;
  if (requests_per_minute_ > 0) next_start_ = now + kMinute / requests_per_minute_;
  return 0;
}

void Pace::spend(int64_t tokens, double now) {
  if (tokens_per_minute_ <= 0) return;
  tokens_paid_at_ =
      std::max(tokens_paid_at_, now) + static_cast<double>(tokens) * kMinute / tokens_per_minute_;
}

void Pace::pause(double until) { paused_until_ = std::max(paused_until_, until); }

}  // namespace visavis::remote
