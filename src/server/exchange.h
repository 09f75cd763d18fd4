// One request and its response as routes see them, without sockets. A route responds once, or
// begins a stream, writes pieces and ends it. Everything but executor() belongs to the connection's
// executor: others post there.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace visavis::server {

struct HttpRequest {
  std::string method;
  std::string path;   // of the target, undecoded
  std::string query;  // what follows "?"
  std::string content_type;
  std::string authorization;
  std::string host;
  std::string origin;
  std::string if_none_match;
  std::string body;
  std::string peer;                          // address of the client
  std::map<std::string, std::string> parts;  // of the route's pattern, e.g. "id"
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// What a client is told of an ApiError, of another Error (500), or of anything else (500 without
/// its words).
Response error_response(const std::exception& error);

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual boost::asio::any_io_executor executor() = 0;
  virtual HttpRequest& request() = 0;

  virtual void respond(Response response) = 0;
  void respond_json(const base::Json& json, int status = 200);
  void respond_error(const std::exception& error) { respond(error_response(error)); }

  /// Sends the head; pieces follow. Whether something was sent already: is_open().
  virtual void begin_stream(const std::string& content_type) = 0;
  virtual void write(std::string piece) = 0;
  virtual void end_stream() = 0;
  /// Ends the stream in the middle, so that the client sees that something is missing.
  virtual void break_stream() = 0;
  virtual bool has_begun() const = 0;

  /// Calls it when the client goes away before the response has ended; never after that.
  virtual void on_gone(std::function<void()> call) = 0;
  /// Words for the log's line: never a prompt, a picture or a key.
  virtual void note(const std::string& words) = 0;
};

using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace visavis::server
