// A small HTTP server for tests, on a port of its own: behaves and misbehaves as each test says.
// Raw sockets, because a well-kept HTTP library refuses to send what broken servers send.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/json.h"

namespace visavis::http {

struct ServedRequest {
  std::string head;  // request line and headers as they came
  std::string body;
  int number = 0;  // 1, 2, ... in the order in which they came

  bool is_get() const { return head.starts_with("GET "); }
  base::Json json() const { return base::parse_json(body, "request"); }
};

/// What a handler writes its reply to. After the handler returns the connection is closed.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void pause(double seconds) const {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }

  void reply(int status, std::string_view type, std::string_view body,
             const std::string& headers = {}) const {
    send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" +
         headers + "\r\n" + std::string(body));
  }
  void begin_stream() const {
    send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
  }
  void event(const base::Json& data) const { send("data: " + base::dump_json(data) + "\n\n"); }
  void piece(const std::string& text) const {
    event({{"choices", {{{"index", 0}, {"delta", {{"content", text}}}}}}});
  }
  void end_stream(int64_t prompt_tokens, int64_t completion_tokens,
                  const std::string& reason = "stop") const {
    event({{"choices",
            {{{"index", 0}, {"delta", base::Json::object()}, {"finish_reason", reason}}}}});
    event(
        {{"choices", base::Json::array()},
         {"usage", {{"prompt_tokens", prompt_tokens}, {"completion_tokens", completion_tokens}}}});
    send("data: [DONE]\n\n");
  }
  /// A whole well-behaved streamed answer.
  void answer(const std::vector<std::string>& pieces) const {
    begin_stream();
    event({{"choices", {{{"index", 0}, {"delta", {{"role", "assistant"}, {"content", ""}}}}}}});
    for (const std::string& text : pieces) piece(text);
    end_stream(100, static_cast<int64_t>(pieces.size()));
  }

 private:
  int fd_;
};

class TestServer {
 public:
  using Handler = std::function<void(const ServedRequest&, const Wire&)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, any, &size) != 0)
      throw std::runtime_error("the test server cannot listen");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (std::thread& thread : threads_) thread.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  std::string model(const std::string& name = "test-vl") const { return url() + "#" + name; }

  std::vector<ServedRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  /// The most requests that were being answered at the same time.
  int most_at_once() const {
    const std::lock_guard lock(mutex_);
    return most_at_once_;
  }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    if (std::optional<ServedRequest> request = read(fd)) {
      {
        const std::lock_guard lock(mutex_);
        request->number = static_cast<int>(requests_.size()) + 1;
        requests_.push_back(*request);
        most_at_once_ = std::max(most_at_once_, ++at_once_);
      }
      handler_(*request, Wire(fd));
      const std::lock_guard lock(mutex_);
      --at_once_;
    }
    ::shutdown(fd, SHUT_WR);
    char rest[256];
    while (::recv(fd, rest, sizeof rest, 0) > 0) {
    }
    ::close(fd);
  }

  static std::optional<ServedRequest> read(int fd) {
    std::string bytes;
    size_t end = std::string::npos;
    size_t length = 0;
    char buffer[65536];
    for (;;) {
      if (end == std::string::npos) {
        end = bytes.find("\r\n\r\n");
        const size_t at = bytes.find("Content-Length: ");
        if (end != std::string::npos && at < end) length = std::stoul(bytes.substr(at + 16));
      }
      if (end != std::string::npos && bytes.size() >= end + 4 + length)
        return ServedRequest{bytes.substr(0, end), bytes.substr(end + 4, length), 0};
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return std::nullopt;
      bytes.append(buffer, static_cast<size_t>(got));
    }
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;
  int at_once_ = 0;
  int most_at_once_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // of the acceptor
};

}  // namespace visavis::http
