// A client for tests that may misbehave: raw sockets, because well-kept HTTP clients do not.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/json.h"

namespace visavis::server {

struct Reply {
  int status = 0;  // 0: the connection was closed without a response
  std::string head;
  std::string body;  // chunks joined
  bool complete = false;

  base::Json json() const { return base::parse_json(body, "reply"); }
  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

class TestClient {
 public:
  explicit TestClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() { close(); }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void half_close() const { ::shutdown(fd_, SHUT_WR); }
  /// False once the other side refuses to take more.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void get(const std::string& path, const std::string& headers = {}) const {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  }
  void post(const std::string& path, const std::string& body,
            const std::string& headers = {}) const {
    send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  void ask(const std::string& text, const std::string& more = {}) const {
    post("/v1/chat/completions", R"({"model":"fake-a","messages":[{"role":"user","content":")" +
                                     text + R"("}])" + more + "}");
  }

  /// Waits for bytes; false: none came in that time, or the end.
  bool read_more(int milliseconds = 10'000) {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, milliseconds) != 1) return false;
    char piece[4096];
    const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    pending_.append(piece, static_cast<size_t>(got));
    return true;
  }
  /// Whether the server has closed the connection.
  bool is_closed(int milliseconds = 10'000) {
    while (!ended_ && read_more(milliseconds)) {
    }
    return ended_;
  }
  bool read_until(std::string_view text) {
    while (pending_.find(text) == std::string::npos)
      if (!read_more()) return false;
    return true;
  }
  /// The next response, with its whole body.
  Reply reply() {
    Reply reply;
    if (!read_until("\r\n\r\n")) return reply;
    const size_t end = pending_.find("\r\n\r\n") + 4;
    reply.head = pending_.substr(0, end);
    pending_.erase(0, end);
    reply.status = std::atoi(reply.head.c_str() + 9);
    if (reply.has("Transfer-Encoding: chunked")) {
      read_chunks(reply);
      return reply;
    }
    const size_t length = reply.head.find("Content-Length: ");
    const size_t wanted = length == std::string::npos
                              ? 0
                              : static_cast<size_t>(std::atoll(reply.head.c_str() + length + 16));
    while (pending_.size() < wanted && read_more()) {
    }
    reply.complete = pending_.size() >= wanted;
    reply.body = pending_.substr(0, wanted);
    pending_.erase(0, wanted);
    return reply;
  }

 private:
  void read_chunks(Reply& reply) {
    while (read_until("\r\n")) {
      const size_t line = pending_.find("\r\n");
      const size_t size = std::strtoul(pending_.c_str(), nullptr, 16);
      while (pending_.size() < line + 2 + size + 2)
        if (!read_more()) return;
      reply.body += pending_.substr(line + 2, size);
      pending_.erase(0, line + 2 + size + 2);
      if (size == 0) {
        reply.complete = true;
        return;
      }
    }
  }

  int fd_;
  bool ended_ = false;
  std::string pending_;
};

}  // namespace visavis::server
