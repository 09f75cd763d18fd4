// Turns the text of generated tokens into what a reader may see: nothing after a stop string,
// nothing that may turn out to be the beginning of one, and thinking (before "</think>") kept
// apart. Pure text, no tokens, no time; whole characters are text::StreamDecoder's business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace visavis::generate {

class AnswerText {
 public:
  /// `opened` says that the prompt ended inside "<think>"; an answer that begins with "<think>"
  /// opens it itself. Empty stop strings are ignored.
  AnswerText(std::vector<std::string> stops, bool opened);

  /// Takes the next piece and returns what became visible by it.
  std::string push(std::string_view piece);
  /// No more will come: returns what was held back.
  std::string finish();

  /// A stop string was found; the text ends before it.
  bool stopped() const { return stopped_; }
  /// Everything visible so far.
  const std::string& text() const { return text_; }
  const std::string& thinking() const { return thinking_; }

 private:
  enum class State { undecided, thinking, after_thinking, visible };

  std::string advance(bool last);
  std::string show(bool last);

  std::vector<std::string> stops_;
  State state_ = State::undecided;
  std::string pending_;  // not yet shown
  size_t searched_ = 0;  // no stop string ends inside pending_[0, searched_)
  std::string text_;
  std::string thinking_;
  bool stopped_ = false;
};

}  // namespace visavis::generate
