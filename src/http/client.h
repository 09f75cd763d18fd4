// One HTTP request at a time over a connection that is kept, with limits on its times and a way to
// give up. Not a general client: what talking to endpoints and hubs of models needs.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visavis::http {

struct Limits {
  double total_seconds = 300;  // 0: as long as bytes come
  double stall_seconds = 60;
  double connect_seconds = 10;
};

struct Reply {
  int status = 0;            // 0: no reply came
  std::string content_type;  // lower case, without parameters
  std::string retry_after;
  // All of them, names in lower case; at most 200, values cut at 8 KiB.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string error;  // why the transfer did not end well; empty if it did
  bool cancelled = false;

  /// The value of a header given in lower case, "" if it did not come.
  std::string_view header(std::string_view name) const;
};

class Client {
 public:
  Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Sends a POST of `body` (a GET if null) and hands the reply's body to `use` as it comes; an
  /// Error that `use` throws ends the transfer and is thrown again here. Redirections are not
  /// followed, since a key must not travel on. Ends within 50 ms once `cancelled` is true.
  Reply send(const std::string& url, const std::vector<std::string>& headers,
             const std::string* body, const Limits& limits, const std::atomic<bool>& cancelled,
             const std::function<void(const Reply& head, std::string_view bytes)>& use);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace visavis::http
