// An endpoint's reply, read piece by piece: streamed events or one JSON object. Collects what a
// Completion holds; not the connection (http.h) and not the waiting (remote_model.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "chat/completion.h"
#include "remote/sse.h"

namespace visavis::remote {

class ReplyReader {
 public:
  ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Bytes of a reply with `Content-Type: text/event-stream`, which arrived `seconds` after the
  /// request. Returns the visible text that came with them. Throws Error for data that is no JSON
  /// of a chat completion, and for an error that the endpoint reports in the stream.
  std::string feed_events(std::string_view bytes, double seconds);
  /// The whole reply as one JSON object. Throws as above.
  void read_object(std::string_view bytes);

  /// Whether the endpoint said that the answer is over; otherwise the stream was cut.
  bool is_complete() const { return finished_ || done_; }
  /// Text, thinking, finish, usage and the times of visible pieces; the rest of `timing` and the
  /// notes are the caller's. Ends the stream.
  chat::Completion take();

 private:
  void read_event(std::string_view data, double seconds);
  void read_choice(const base::Json& choice, const char* part);
  void read_usage(const base::Json& body);
  void append_visible(std::string_view text);

  EventReader events_;
  double now_ = 0;
  std::string content_;      // everything that came as content
  size_t visible_from_ = 0;  // where the answer begins in it, once that is decided
  bool decided_ = false;
  std::string shown_;  // visible text that feed_events() has yet to return
  std::string thinking_;
  chat::Completion completion_;
  bool finished_ = false;
  bool done_ = false;
  bool has_usage_ = false;
};

}  // namespace visavis::remote
