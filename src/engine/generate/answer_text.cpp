#include "engine/generate/answer_text.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace visavis::generate {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

// Length of the longest end of `text` that is a proper beginning of `word`.
size_t overlap(std::string_view text, std::string_view word) {
  size_t length = std::min(text.size(), word.size() - 1);
  while (length > 0 && !text.ends_with(word.substr(0, length))) --length;
  return length;
}

}  // namespace

AnswerText::AnswerText(std::vector<std::string> stops, bool opened)
    : stops_(std::move(stops)), state_(opened ? State::thinking : State::undecided) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string AnswerText::push(std::string_view piece) {
  if (stopped_) return {};
  pending_ += piece;
  return advance(false);
}

std::string AnswerText::finish() { return stopped_ ? std::string() : advance(true); }

std::string AnswerText::advance(bool last) {
  if (state_ == State::undecided) {
    if (pending_.starts_with(kOpen)) {
      pending_.erase(0, kOpen.size());
      state_ = State::thinking;
    } else if (last || !kOpen.starts_with(pending_)) {
      state_ = State::visible;
    }
  }
  if (state_ == State::thinking) {
    const size_t close = pending_.find(kClose);
    if (close != std::string::npos) {
      thinking_ += pending_.substr(0, close);
      thinking_ = std::string(base::trim(thinking_));
      pending_.erase(0, close + kClose.size());
      state_ = State::after_thinking;
    } else {
      const size_t sure = pending_.size() - (last ? 0 : overlap(pending_, kClose));
      thinking_ += pending_.substr(0, sure);
      pending_.erase(0, sure);
      if (last) thinking_ = std::string(base::trim(thinking_));
    }
  }
  if (state_ == State::after_thinking) {
    pending_.erase(0, pending_.find_first_not_of("\n"));
    if (!pending_.empty()) state_ = State::visible;
  }
  return state_ == State::visible ? show(last) : std::string();
}

// The answer stops where a stop string *ends* first, which does not depend on how the text was cut
// into tokens.
std::string AnswerText::show(bool last) {
  size_t cut = std::string::npos;
  for (size_t end = searched_ + 1; end <= pending_.size() && cut == std::string::npos; ++end) {
    const std::string_view head = std::string_view(pending_).substr(0, end);
    for (const std::string& stop : stops_) {
      if (head.ends_with(stop)) cut = std::min(cut, end - stop.size());
    }
  }
  size_t sure = pending_.size();
  if (cut != std::string::npos) {
    stopped_ = true;
    sure = cut;
  } else if (!last) {
    size_t held = 0;
    for (const std::string& stop : stops_) held = std::max(held, overlap(pending_, stop));
    sure -= held;
  }
  std::string shown = pending_.substr(0, sure);
  pending_.erase(0, sure);
  searched_ = pending_.size();
  text_ += shown;
  return shown;
}

}  // namespace visavis::generate
