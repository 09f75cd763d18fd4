// The HTTP server: listens, holds the connections and stops in order. Which models it serves and
// under which rules is decided by whoever makes it (cli/serve.cpp, tests).
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/connection.h"
#include "server/context.h"

namespace visavis::server {

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address or a name; other than loopback needs a key
  uint16_t port = 8080;            // 0: the system chooses
  int threads = 2;                 // for the network; models have their own
  Limits limits;
  AccessRules access;  // `hosts` is filled in for loopback
  FetchPicture fetch;  // empty: picture URLs are refused
  Setting setting;
};

class Server {
 public:
  /// Takes the port; nobody is served before run(). Host and clock must outlive the server. Throws
  /// Error: no key for an address that others reach, a port that is taken.
  Server(ServerOptions options, chat::ModelHost& host, const base::Clock& clock);
  /// run() must have returned.
  ~Server();

  uint16_t port() const { return port_; }
  /// "http://127.0.0.1:8080"
  std::string url() const;
  Residents& residents() { return residents_; }
  const RunDesk& runs() const { return runs_; }

  /// SIGINT and SIGTERM stop the server as stop() does.
  void stop_on_signals();
  /// Serves until stop(). Returns when every connection is closed and no model is at work for it.
  void run();
  /// Takes no more requests, ends those that wait with 503, gives those that are being answered
  /// Limits::stop_seconds and cancels them then. The second call cancels at once. Thread-safe.
  void stop();

 private:
  void accept();
  void begin_stop();
  void cancel_answers();
  void abort_connections();
  void watch_end();
  void wait_for_signal();

  ServerOptions options_;
  const base::Clock& clock_;
  boost::asio::io_context io_;
  boost::asio::thread_pool turns_{1};    // moves queues on
  boost::asio::thread_pool workers_{2};  // what blocks: scores, loading
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer patience_;
  boost::asio::steady_timer end_check_;
  OrderRules order_rules_;
  Residents residents_;
  Metrics metrics_;
  std::atomic<int> working_{0};
  std::atomic<bool> stopping_{false};
  RunDesk runs_;
  std::mutex opinions_;
  Holdings holdings_;
  Context context_;
  uint16_t port_ = 0;
  std::vector<std::weak_ptr<Connection>> connections_;  // for the acceptor's strand
};

}  // namespace visavis::server
