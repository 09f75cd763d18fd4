#include "harness/runner/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace visavis::runner {
namespace {

constexpr int64_t kBarWidth = 30;
constexpr int64_t kPlainLines = 20;

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::lround(std::max(0.0, seconds)));
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string summary(const Standing& standing) {
  std::string line = fmt::format("{}/{} answers", standing.answered, standing.total);
  if (standing.answered_now > 0 && standing.seconds_now > 0) {
    const double rate = static_cast<double>(standing.answered_now) / standing.seconds_now;
    const auto left = static_cast<double>(standing.total - standing.answered);
    line += fmt::format(", {:.2f}/s, {} left", rate, duration_text(left / rate));
  }
  if (standing.cost >= 0) line += fmt::format(", {:.4f} {}", standing.cost, standing.currency);
  return line;
}

}  // namespace

StreamProgress::~StreamProgress() { end_bar(); }

void StreamProgress::end_bar() {
  if (bar_is_open_) out_ << std::endl;
  bar_is_open_ = false;
}

void StreamProgress::note(const std::string& line) {
  end_bar();
  out_ << line << std::endl;
}

void StreamProgress::update(const Standing& standing) {
  const int64_t total = std::max<int64_t>(standing.total, 1);
  if (terminal_) {
    const int64_t filled = std::min(kBarWidth, standing.answered * kBarWidth / total);
    out_ << "\r\x1b[K[" << std::string(static_cast<size_t>(filled), '#')
         << std::string(static_cast<size_t>(kBarWidth - filled), '.') << "] " << summary(standing)
         << std::flush;
    bar_is_open_ = true;
    return;
  }
  const int64_t twentieths = standing.answered * kPlainLines / total;
  if (twentieths == printed_twentieths_) return;
  printed_twentieths_ = twentieths;
  out_ << summary(standing) << std::endl;
}

}  // namespace visavis::runner
