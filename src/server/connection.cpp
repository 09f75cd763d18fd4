#include "server/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "server/api_error.h"

namespace visavis::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr uint32_t kMostHeadBytes = 16 << 10;
constexpr double kPartingSeconds = 0.5;  // for a client to close after its last response
constexpr size_t kMostPipelined = 64 << 10;
constexpr int kClientGone = 499;  // in log and metrics only

std::string text_of(boost::beast::string_view view) { return {view.data(), view.size()}; }

// What came is no HTTP, as opposed to nothing coming.
bool is_http_error(const boost::system::error_code& error) {
  return error && error.category() == make_error_code(http::error::bad_method).category();
}

// Says "never" as well to a call that is already on its way.
void clear_deadline(asio::steady_timer& timer) {
  timer.expires_at(asio::steady_timer::time_point::max());
}

const char* reason_of(int status) {
  return http::obsolete_reason(static_cast<http::status>(status)).data();
}

}  // namespace

// Belongs to the connection's strand. Calls after the response has ended do nothing.
class Connection::HttpExchange : public Exchange {
 public:
  HttpExchange(std::shared_ptr<Connection> connection, std::string route, int64_t begin_ns)
      : connection_(std::move(connection)),
        executor_(connection_->socket_.get_executor()),
        request_(std::move(connection_->request_)),
        route_(std::move(route)),
        begin_ns_(begin_ns) {}

  asio::any_io_executor executor() override { return executor_; }
  HttpRequest& request() override { return request_; }

  void respond(Response response) override {
    if (!connection_ || begun_) return;
    begun_ = true;
    status_ = response.status;
    const bool own_policy =
        std::any_of(response.headers.begin(), response.headers.end(),
                    [](const auto& row) { return row.first == "Content-Security-Policy"; });
    std::string head = begin_head(response.status, response.content_type, own_policy);
    for (const auto& [name, value] : response.headers) head += name + ": " + value + "\r\n";
    if (response.status != 204 && response.status != 304)
      head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    head += "\r\n";
    if (!connection_->is_head_) head += response.body;
    connection_->send(std::move(head));
    end(true);
  }

  void begin_stream(const std::string& content_type) override {
    if (!connection_ || begun_) return;
    begun_ = true;
    chunked_ = !connection_->is_http_1_0_;
    if (!chunked_) connection_->keep_alive_ = false;
    std::string head = begin_head(200, content_type);
    // Proxies shall not hold pieces back.
    head += "X-Accel-Buffering: no\r\n";
    if (chunked_) head += "Transfer-Encoding: chunked\r\n";
    connection_->send(head + "\r\n");
  }

  void write(std::string piece) override {
    if (!connection_ || piece.empty()) return;
    connection_->send(chunked_ ? fmt::format("{:x}\r\n{}\r\n", piece.size(), piece)
                               : std::move(piece));
  }

  void end_stream() override {
    if (!connection_) return;
    if (chunked_) connection_->send("0\r\n\r\n");
    end(true);
  }

  void break_stream() override {
    if (!connection_) return;
    end(false);
  }

  bool has_begun() const override { return begun_; }
  void on_gone(std::function<void()> call) override { on_gone_ = std::move(call); }
  void note(const std::string& words) override {
    if (!notes_.empty()) notes_ += ", ";
    notes_ += words;
  }

  /// The client went away.
  void leave() {
    if (!connection_) return;
    status_ = kClientGone;
    const std::function<void()> call = std::move(on_gone_);
    report();
    connection_.reset();
    if (call) call();
  }

 private:
  std::string begin_head(int status, const std::string& content_type,
                         bool own_policy = false) const {
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\nServer: visavis\r\n", status, reason_of(status));
    if (status != 204 && status != 304) head += "Content-Type: " + content_type + "\r\n";
    head += connection_->keep_alive_ && !connection_->stopping_ ? "Connection: keep-alive\r\n"
                                                                : "Connection: close\r\n";
    head += "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
    // The page's files state their own policy; of everything else nothing may be run.
    if (!own_policy)
      head += "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
    if (route_.starts_with("/v1") || route_.starts_with("/api"))
      head += "Cache-Control: no-store\r\n";
    if (const auto origin = cors_origin(connection_->context_.access, request_.origin))
      head += "Access-Control-Allow-Origin: " + *origin + "\r\nVary: Origin\r\n";
    return head;
  }

  void end(bool complete) {
    on_gone_ = nullptr;
    report();
    const std::shared_ptr<Connection> connection = std::move(connection_);
    connection_.reset();
    connection->finish_response(complete);
  }

  void report() {
    Context& context = connection_->context_;
    context.metrics.count_response(route_, status_);
    if (!context.setting.log) return;
    const double seconds = base::seconds_between(begin_ns_, context.clock.now_ns());
    context.setting.log(fmt::format("{} {} {} {} {} {:.3f} s{}{}", base::utc_timestamp(),
                                    request_.peer, request_.method, route_, status_, seconds,
                                    notes_.empty() ? "" : ", ", notes_));
  }

  std::shared_ptr<Connection> connection_;  // null once the response has ended
  asio::any_io_executor executor_;
  HttpRequest request_;
  std::string route_;  // its pattern: bounded, unlike what clients send
  int64_t begin_ns_;
  std::function<void()> on_gone_;
  std::string notes_;
  int status_ = 200;
  bool begun_ = false;
  bool chunked_ = false;
};

Connection::Connection(asio::ip::tcp::socket socket, Context& context, Holdings& holdings)
    : socket_(std::move(socket)),
      context_(context),
      holdings_(holdings),
      read_deadline_(socket_.get_executor()),
      write_deadline_(socket_.get_executor()) {
  holdings_.connections += 1;
}

Connection::~Connection() {
  release_body();
  holdings_.connections -= 1;
}

void Connection::start() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    Code ignored;
    self->socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    self->read_head(self->context_.limits.header_seconds);
  });
}

void Connection::stop() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    self->keep_alive_ = false;
    if (!self->exchange_ && !self->writing_ && self->outbox_.empty()) self->close();
  });
}

void Connection::abort() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
}

void Connection::set_deadline(asio::steady_timer& timer, double seconds) {
  timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds)));
  timer.async_wait([self = shared_from_this(), &timer](const Code& error) {
    // It may have been set anew while this call was on its way.
    if (!error && timer.expiry() <= std::chrono::steady_clock::now()) self->close();
  });
}

void Connection::read_head(double seconds) {
  if (closed_) return;
  parser_.emplace();
  parser_->header_limit(kMostHeadBytes);
  parser_->body_limit(static_cast<uint64_t>(context_.limits.max_body_bytes));
  set_deadline(read_deadline_, seconds);
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](const Code& error, size_t) { self->on_head(error); });
}

void Connection::on_head(const Code& error) {
  if (closed_) return;
  clear_deadline(read_deadline_);
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      (error && !is_http_error(error))) {
    close();
    return;
  }
  const auto& head = parser_->get();
  is_http_1_0_ = head.version() < 11;
  is_head_ = head.method() == http::verb::head;
  request_ = HttpRequest();
  request_.method = text_of(head.method_string());
  Code ignored;
  request_.peer = socket_.remote_endpoint(ignored).address().to_string();
  keep_alive_ = false;
  unread_ = true;
  if (error == http::error::body_limit) {
    refuse(ApiError(
        413, "the body is larger than " + base::human_bytes(context_.limits.max_body_bytes)));
    return;
  }
  if (error == http::error::header_limit) {
    refuse(ApiError(431, "the head of the request is larger than " +
                             std::to_string(kMostHeadBytes) + " bytes"));
    return;
  }
  if (error) {
    refuse(ApiError(400, "not an HTTP request: " + error.message()));
    return;
  }
  try {
    check_head();
  } catch (const std::exception& refusal) {
    refuse(refusal);
    return;
  }
  unread_ = false;
  keep_alive_ = head.keep_alive() && !stopping_;
  if (parser_->is_done()) {
    on_body({});
  } else if (head[http::field::expect] == "100-continue") {
    send_continue();
  } else {
    read_body();
  }
}

// Everything that can be refused before the body has been read.
void Connection::check_head() {
  const auto& head = parser_->get();
  const std::string target = text_of(head.target());
  const size_t question = target.find('?');
  request_.path = target.substr(0, question);
  if (question != std::string::npos) request_.query = target.substr(question + 1);
  request_.content_type = text_of(head[http::field::content_type]);
  request_.authorization = text_of(head[http::field::authorization]);
  request_.host = text_of(head[http::field::host]);
  request_.origin = text_of(head[http::field::origin]);
  request_.if_none_match = text_of(head[http::field::if_none_match]);

  if (!is_our_host(context_.access, request_.host))
    throw ApiError(403, "this server does not answer to the name '" +
                            base::valid_utf8(request_.host.substr(0, 100)) + "'");
  if (!is_origin_allowed(context_.access, request_.origin, request_.host) ||
      (request_.origin.empty() && head["Sec-Fetch-Site"] == "cross-site" &&
       request_.method != "GET"))
    throw ApiError(403, "pages of other origins may not ask here (visavis serve --allow-origin)");
  if (context_.stopping) throw ApiError(503, "the server is stopping");
  match_ = match_route(request_.method, request_.path);
  if (match_.route == nullptr) {
    if (request_.method == "OPTIONS" && !match_.allow.empty() &&
        cors_origin(context_.access, request_.origin))
      return;
    if (!match_.allow.empty())
      throw ApiError(405, "found " + request_.method + ", wanted " + match_.allow);
    throw ApiError(404,
                   "no such path; /v1/models, /v1/chat/completions, /v1/completions, "
                   "/v1/score, /health and /metrics are there");
  }
  request_.parts = match_.parts;
  if (match_.route->entry == Entry::keyed && !context_.access.api_key.empty() &&
      !has_key(context_.access, request_.authorization))
    throw ApiError(401, "wanted the header 'Authorization: Bearer KEY' with this server's key", "",
                   "invalid_api_key");
  if (request_.method == "POST" && !request_.content_type.starts_with("application/json"))
    throw ApiError(415, "found the content type '" +
                            base::valid_utf8(request_.content_type.substr(0, 100)) +
                            "', wanted application/json");

  const auto length = parser_->content_length();
  const int64_t held = length               ? static_cast<int64_t>(*length)
                       : parser_->chunked() ? context_.limits.max_body_bytes
                                            : 0;
  if (holdings_.body_bytes.fetch_add(held) + held > context_.limits.max_bodies_bytes) {
    holdings_.body_bytes -= held;
    throw ApiError(429, "the requests at work hold too many bytes together", "", "busy", 2);
  }
  body_held_ = held;
}

void Connection::send_continue() {
  auto text = std::make_shared<std::string>("HTTP/1.1 100 Continue\r\n\r\n");
  set_deadline(read_deadline_, context_.limits.write_seconds);
  asio::async_write(socket_, asio::buffer(*text),
                    [self = shared_from_this(), text](const Code& error, size_t) {
                      if (error)
                        self->close();
                      else
                        self->read_body();
                    });
}

void Connection::read_body() {
  if (closed_) return;
  set_deadline(read_deadline_, context_.limits.body_seconds);
  http::async_read(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](const Code& error, size_t) { self->on_body(error); });
}

void Connection::on_body(const Code& error) {
  if (closed_) return;
  clear_deadline(read_deadline_);
  if (error == http::error::body_limit) {
    unread_ = true;
    refuse(ApiError(
        413, "the body is larger than " + base::human_bytes(context_.limits.max_body_bytes)));
    return;
  }
  if (is_http_error(error) && error != http::error::partial_message &&
      error != http::error::end_of_stream) {
    unread_ = true;
    refuse(ApiError(400, "not an HTTP request: " + error.message()));
    return;
  }
  if (error) {
    close();
    return;
  }
  request_.body = std::move(parser_->get().body());
  parser_.reset();
  dispatch();
}

void Connection::dispatch() {
  if (match_.route == nullptr) {  // a preflight of an allowed origin
    const std::shared_ptr<HttpExchange> exchange = begin_exchange("preflight");
    exchange->respond({.status = 204,
                       .headers = {{"Access-Control-Allow-Methods", match_.allow},
                                   {"Access-Control-Allow-Headers", "authorization, content-type"},
                                   {"Access-Control-Max-Age", "600"}}});
    return;
  }
  const std::shared_ptr<HttpExchange> exchange = begin_exchange(match_.route->pattern);
  watch();
  serve(*match_.route, exchange, context_);
}

// The caller keeps it: a response that ends takes it from the connection.
std::shared_ptr<Connection::HttpExchange> Connection::begin_exchange(const char* route) {
  exchange_ = std::make_shared<HttpExchange>(shared_from_this(), route, context_.clock.now_ns());
  return exchange_;
}

void Connection::refuse(const std::exception& error) {
  keep_alive_ = false;
  const std::shared_ptr<HttpExchange> exchange =
      begin_exchange(match_.route != nullptr ? match_.route->pattern : "other");
  Response response = error_response(error);
  if (response.status == 405) response.headers.emplace_back("Allow", match_.allow);
  exchange->respond(std::move(response));
}

// Reads on while the request is being answered: bytes are the next request's, an end or an error
// means that nobody waits for the answer any more.
void Connection::watch() {
  if (closed_ || watching_ || !exchange_) return;
  if (buffer_.size() > kMostPipelined) return close();
  watching_ = true;
  constexpr size_t kPiece = 4096;
  socket_.async_read_some(buffer_.prepare(kPiece),
                          [self = shared_from_this()](const Code& error, size_t bytes) {
                            self->on_watched(error, bytes);
                          });
}

void Connection::on_watched(const Code& error, size_t bytes) {
  watching_ = false;
  if (closed_) return;
  if (error && error != asio::error::operation_aborted) return close();
  buffer_.commit(bytes);
  if (close_after_ && !exchange_ && !writing_)
    drain(context_.limits.drain_seconds);
  else if (exchange_)
    watch();
  else if (outbox_.empty() && !writing_)
    next_request();
}

void Connection::send(std::string bytes) {
  if (closed_) return;
  outbox_.push_back(std::move(bytes));
  write_next();
}

void Connection::write_next() {
  if (writing_ || outbox_.empty() || closed_) return;
  writing_ = true;
  set_deadline(write_deadline_, context_.limits.write_seconds);
  asio::async_write(
      socket_, asio::buffer(outbox_.front()),
      [self = shared_from_this()](const Code& error, size_t) { self->on_written(error); });
}

void Connection::on_written(const Code& error) {
  writing_ = false;
  if (closed_) return;
  clear_deadline(write_deadline_);
  if (error) return close();
  outbox_.pop_front();
  if (!outbox_.empty()) return write_next();
  if (exchange_) return;
  if (close_after_) return drain(unread_ ? context_.limits.drain_seconds : kPartingSeconds);
  next_request();
}

void Connection::finish_response(bool complete) {
  exchange_.reset();
  release_body();
  if (!complete || !keep_alive_ || stopping_) close_after_ = true;
  if (!writing_ && outbox_.empty() && !closed_) on_written({});
}

void Connection::next_request() {
  if (closed_) return;
  if (stopping_) {
    close_after_ = true;
    return drain(kPartingSeconds);
  }
  if (watching_) {
    // The read that watched the client gets the next request's first bytes, unless they are here.
    set_deadline(read_deadline_, context_.limits.idle_seconds);
    Code ignored;
    if (buffer_.size() > 0) socket_.cancel(ignored);
    return;
  }
  read_head(buffer_.size() > 0 ? context_.limits.header_seconds : context_.limits.idle_seconds);
}

// Says that nothing more comes, and reads what is still on its way: closing a socket with unread
// bytes would destroy the response before the client has read it.
void Connection::drain(double seconds) {
  Code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  set_deadline(read_deadline_, seconds);
  if (watching_) return;  // it goes on from there
  discard();
}

void Connection::discard() {
  if (closed_) return;
  buffer_.consume(buffer_.size());
  constexpr size_t kPiece = 64 << 10;
  socket_.async_read_some(buffer_.prepare(kPiece),
                          [self = shared_from_this()](const Code& error, size_t) {
                            if (error)
                              self->close();
                            else
                              self->discard();
                          });
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  Code ignored;
  clear_deadline(read_deadline_);
  clear_deadline(write_deadline_);
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  outbox_.clear();
  if (const std::shared_ptr<HttpExchange> exchange = std::move(exchange_)) {
    exchange_.reset();
    exchange->leave();
  }
}

void Connection::release_body() {
  holdings_.body_bytes -= body_held_;
  body_held_ = 0;
}

}  // namespace visavis::server
