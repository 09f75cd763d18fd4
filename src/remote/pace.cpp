#include "remote/pace.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "base/text.h"

namespace visavis::remote {
namespace {

constexpr double kLongestBackOff = 30;
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

double back_off(int attempt, double first_wait, base::Rng& rng) {
  const double wait = std::min(kLongestBackOff, first_wait * std::pow(2.0, attempt - 1));
  return wait * (0.5 + 0.5 * rng.uniform());
}

std::optional<double> retry_after(std::string_view value, int64_t unix_now) {
  value = base::trim(value);
  double seconds = 0;
  const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc() && stop == value.data() + value.size())
    return std::isfinite(seconds) && seconds >= 0 ? std::optional(seconds) : std::nullopt;
  const time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::max(0.0, static_cast<double>(static_cast<int64_t>(date) - unix_now));
}

bool is_worth_another(int status) {
  constexpr int kRequestTimeout = 408, kTooEarly = 425, kTooMany = 429, kServerError = 500;
  constexpr int kNotImplemented = 501;
  return status == kRequestTimeout || status == kTooEarly || status == kTooMany ||
         (status >= kServerError && status != kNotImplemented);
}

}  // namespace visavis::remote
