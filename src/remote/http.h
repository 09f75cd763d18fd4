// One HTTP request at a time over a connection that is kept, with limits on its times and a way to
// give up. Not a general client: what talking to an endpoint needs.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::remote {

struct HttpLimits {
  double total_seconds = 300;
  double stall_seconds = 60;
  double connect_seconds = 10;
};

struct HttpReply {
  int status = 0;            // 0: no reply came
  std::string content_type;  // lower case, without parameters
  std::string retry_after;
  std::string error;  // why the transfer did not end well; empty if it did
  bool cancelled = false;
};

class HttpClient {
 public:
  HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Sends a POST of `body` (a GET if null) and hands the reply's body to `use` as it comes; an
  /// Error that `use` throws ends the transfer and is thrown again here. Redirections are not
  /// followed, since a key must not travel on. Ends within 50 ms once `cancelled` is true.
  HttpReply send(const std::string& url, const std::vector<std::string>& headers,
                 const std::string* body, const HttpLimits& limits,
                 const std::atomic<bool>& cancelled,
                 const std::function<void(const HttpReply& head, std::string_view bytes)>& use);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace visavis::remote
