// What the user sees on stderr while a run goes on: a bar on a terminal, plain lines otherwise.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace visavis::runner {

/// How far a run is.
struct Standing {
  int64_t answered = 0;  // stored answers, earlier sessions included
  int64_t total = 0;     // wanted in this run
  int64_t answered_now = 0;
  double seconds_now = 0;  // spent on those, loading excluded
  double cost = 0;         // so far, earlier sessions included; negative = no price
  std::string currency;
};

class Progress {
 public:
  virtual ~Progress() = default;
  /// Something happened that deserves a line.
  virtual void note(const std::string& line) = 0;
  virtual void update(const Standing& standing) = 0;
  /// A model is given a question; of models that answer several at once the latest one.
  virtual void asking(const std::string& /*model*/, const std::string& /*question*/) {}
};

class StreamProgress : public Progress {
 public:
  /// `terminal`: redraw one line; else a line at every twentieth of the run.
  StreamProgress(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}
  ~StreamProgress() override;
  void note(const std::string& line) override;
  void update(const Standing& standing) override;

 private:
  void end_bar();
  std::ostream& out_;
  bool terminal_;
  bool bar_is_open_ = false;
  int64_t printed_twentieths_ = -1;
};

}  // namespace visavis::runner
