// One client's connection: reads a request within its deadlines, hands it to its route, sends what
// the route gives, and reads the next one. While a request is being answered it watches for the
// client going away. Everything runs on the socket's strand. Start reading at read_head().
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "server/exchange.h"
#include "server/routes.h"

namespace visavis::server {

/// Counts of what all connections hold; thread-safe.
struct Holdings {
  std::atomic<int64_t> connections{0};
  std::atomic<int64_t> body_bytes{0};
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// The socket's executor must be a strand. Context and holdings must outlive the connection.
  Connection(boost::asio::ip::tcp::socket socket, Context& context, Holdings& holdings);
  ~Connection();

  void start();
  /// Thread-safe. A connection that answers nothing is closed; one that answers, after that.
  void stop();
  /// Thread-safe. Closes it whatever it does.
  void abort();

 private:
  class HttpExchange;
  friend class HttpExchange;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Code = boost::system::error_code;

  void read_head(double seconds);
  void on_head(const Code& error);
  void check_head();
  void send_continue();
  void read_body();
  void on_body(const Code& error);
  void dispatch();
  std::shared_ptr<HttpExchange> begin_exchange(const char* route);
  void refuse(const std::exception& error);
  void watch();
  void on_watched(const Code& error, size_t bytes);

  void send(std::string bytes);
  void write_next();
  void on_written(const Code& error);
  void finish_response(bool complete);
  void next_request();
  void drain(double seconds);
  void discard();
  void close();
  void release_body();

  void set_deadline(boost::asio::steady_timer& timer, double seconds);

  boost::asio::ip::tcp::socket socket_;
  Context& context_;
  Holdings& holdings_;
  boost::asio::steady_timer read_deadline_;
  boost::asio::steady_timer write_deadline_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Match match_;
  HttpRequest request_;
  std::shared_ptr<HttpExchange> exchange_;  // of the request that is being answered
  std::deque<std::string> outbox_;
  int64_t body_held_ = 0;  // of Holdings::body_bytes
  bool keep_alive_ = false;
  bool is_http_1_0_ = false;
  bool is_head_ = false;  // the method HEAD
  bool writing_ = false;
  bool watching_ = false;
  bool close_after_ = false;  // when all is written
  bool unread_ = false;       // the client may still be sending what nobody wants
  bool closed_ = false;
  bool stopping_ = false;
};

}  // namespace visavis::server
