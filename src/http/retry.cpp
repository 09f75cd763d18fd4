#include "http/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "base/text.h"

namespace visavis::http {
namespace {

constexpr double kLongestBackOff = 30;

}  // namespace

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

}  // namespace visavis::http
