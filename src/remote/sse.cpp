#include "remote/sse.h"

#include "base/error.h"

namespace visavis::remote {
namespace {

constexpr size_t kMostBytes = size_t{16} << 20;

}  // namespace

void EventReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    const bool second_of_two = skip_newline_ && c == '\n';
    skip_newline_ = c == '\r';
    if (second_of_two) continue;
    if (c == '\n' || c == '\r') {
      end_line();
      continue;
    }
    require(line_.size() < kMostBytes, "an event of the endpoint has a line of more than ",
            kMostBytes, " bytes");
    line_ += c;
  }
}

void EventReader::finish() {
  if (!line_.empty()) end_line();
  end_event();
}

void EventReader::end_line() {
  std::string_view line = line_;
  constexpr std::string_view kData = "data:";
  if (line.empty()) {
    end_event();
  } else if (line.starts_with(kData)) {
    line.remove_prefix(kData.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    require(data_.size() + line.size() < kMostBytes, "an event of the endpoint has more than ",
            kMostBytes, " bytes");
    if (has_data_) data_ += '\n';
    data_ += line;
    has_data_ = true;
  }
  line_.clear();
}

void EventReader::end_event() {
  if (has_data_) use_(data_);
  data_.clear();
  has_data_ = false;
}

}  // namespace visavis::remote
