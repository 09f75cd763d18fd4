#include "server/server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "base/error.h"

namespace visavis::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::chrono::steady_clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds));
}

tcp::endpoint endpoint_of(asio::io_context& io, const std::string& host, uint16_t port) {
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (!error) return {address, port};
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, std::to_string(port), error);
  require(!error && !found.empty(), "--host: found '", host, "', wanted an address or a name of ",
          "this machine");
  return found.begin()->endpoint();
}

}  // namespace

Server::Server(ServerOptions options, chat::ModelHost& host, const base::Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      acceptor_(asio::make_strand(io_)),
      signals_(acceptor_.get_executor()),
      patience_(acceptor_.get_executor()),
      end_check_(acceptor_.get_executor()),
      order_rules_{.limits = options_.limits, .fetch = options_.fetch},
      residents_(host, options_.limits.max_waiting, clock,
                 [this](std::function<void()> task) { asio::post(turns_, std::move(task)); }),
      runs_(options_.setting.runs, residents_, clock, options_.setting.log),
      context_{.limits = options_.limits,
               .access = options_.access,
               .setting = options_.setting,
               .residents = residents_,
               .metrics = metrics_,
               .order_rules = order_rules_,
               .clock = clock,
               .started_ns = clock.now_ns(),
               .workers = workers_,
               .working = working_,
               .runs = runs_,
               .opinions = opinions_,
               .stopping = stopping_} {
  const tcp::endpoint endpoint = endpoint_of(io_, options_.host, options_.port);
  const bool loopback = endpoint.address().is_loopback();
  require(loopback || !options_.access.api_key.empty(), "--host ", options_.host,
          " lets other machines in: that needs --api-key");
  // Without a key only the name protects from pages whose name leads here.
  if (loopback && options_.access.api_key.empty())
    options_.access.hosts = {"localhost", "127.0.0.1", "::1", options_.host};
  boost::system::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  require(!error, "cannot listen on ", options_.host, " port ", options_.port, ": ",
          error.message());
  port_ = acceptor_.local_endpoint().port();
}

Server::~Server() {
  turns_.join();
  workers_.join();
}

std::string Server::url() const {
  const bool v6 = options_.host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + options_.host + "]" : options_.host) + ":" + std::to_string(port_);
}

void Server::stop_on_signals() {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  wait_for_signal();
}

void Server::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    wait_for_signal();  // before the stop, which without connections is the end of all waiting
    begin_stop();
  });
}

void Server::run() {
  asio::post(acceptor_.get_executor(), [this] { accept(); });
  std::vector<std::jthread> threads;
  for (int i = 1; i < options_.threads; ++i) threads.emplace_back([this] { io_.run(); });
  io_.run();
  threads.clear();
  // Nobody waits for these any more, but a model may still be busy with them.
  for (const auto& resident : residents_.all()) {
    resident->lane->close(false);
    resident->lane->cancel_waiting();
    resident->lane->cancel_answering();
    while (resident->lane->load().answering > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Server::accept() {
  acceptor_.async_accept(
      asio::any_io_executor(asio::make_strand(io_)),
      [this](const boost::system::error_code& error, tcp::socket socket) {
        if (!acceptor_.is_open()) return;
        if (error) {  // e.g. no file descriptor is left: some will be
          patience_.expires_after(std::chrono::milliseconds(100));
          patience_.async_wait([this](const boost::system::error_code& stopped) {
            if (!stopped && acceptor_.is_open()) accept();
          });
          return;
        }
        std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
        if (connections_.size() < options_.limits.max_connections) {
          auto connection = std::make_shared<Connection>(std::move(socket), context_, holdings_);
          connections_.push_back(connection);
          connection->start();
        }
        accept();
      });
}

void Server::stop() {
  asio::post(acceptor_.get_executor(), [this] { begin_stop(); });
}

void Server::begin_stop() {
  if (stopping_.exchange(true)) {
    cancel_answers();
    return;
  }
  if (options_.setting.log) options_.setting.log("stopping: answers that are under way may end");
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  runs_.stop_any();
  for (const auto& resident : residents_.all()) {
    resident->lane->close(false);
    resident->lane->cancel_waiting();
  }
  for (const auto& weak : connections_)
    if (const auto connection = weak.lock()) connection->stop();
  patience_.expires_after(duration_of(options_.limits.stop_seconds));
  patience_.async_wait([this](const boost::system::error_code& error) {
    if (!error) cancel_answers();
  });
  watch_end();
}

// Clients hear of it, and have a moment to read that.
void Server::cancel_answers() {
  for (const auto& resident : residents_.all()) resident->lane->cancel_answering();
  patience_.expires_after(duration_of(options_.limits.drain_seconds));
  patience_.async_wait([this](const boost::system::error_code& error) {
    if (!error) abort_connections();
  });
}

// Ends run() once no connection is left: nothing else shall keep it waiting.
void Server::watch_end() {
  if (holdings_.connections == 0) {
    boost::system::error_code ignored;
    patience_.cancel();
    signals_.cancel(ignored);
    return;
  }
  end_check_.expires_after(std::chrono::milliseconds(20));
  end_check_.async_wait([this](const boost::system::error_code& error) {
    if (!error) watch_end();
  });
}

void Server::abort_connections() {
  for (const auto& weak : connections_)
    if (const auto connection = weak.lock()) connection->abort();
}

}  // namespace visavis::server
