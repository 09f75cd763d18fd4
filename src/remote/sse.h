// Server-sent events out of a byte stream that may be cut anywhere. Only their data; other fields
// and comments are skipped.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace visavis::remote {

class EventReader {
 public:
  /// `use` sees the data of every event, its lines joined with '\n'.
  explicit EventReader(std::function<void(std::string_view)> use) : use_(std::move(use)) {}

  /// Throws Error for a line or an event of more than 16 MiB.
  void feed(std::string_view bytes);
  /// The stream is over: hands out an event that no blank line ended.
  void finish();

 private:
  void end_line();
  void end_event();

  std::function<void(std::string_view)> use_;
  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool skip_newline_ = false;  // the '\n' of a "\r\n"
};

}  // namespace visavis::remote
