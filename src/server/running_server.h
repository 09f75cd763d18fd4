// For tests: a server with fake models on a thread of its own, on a port that the system chooses.
#pragma once

#include <thread>
#include <utility>

#include "base/clock.h"
#include "server/fake_models.h"
#include "server/server.h"

namespace visavis::server {

class RunningServer {
 public:
  explicit RunningServer(ServerOptions options = {}, size_t slots = 2)
      : server_(prepared(std::move(options)), models, base::steady_clock()) {
    server_.residents().load("fake-a", {}, slots);
    thread_ = std::thread([this] { server_.run(); });
  }
  ~RunningServer() { stop(); }

  uint16_t port() const { return server_.port(); }
  FakeModel& model() { return *models.models.at("fake-a"); }
  Server& server() { return server_; }
  void stop() {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
  }

  FakeModels models;

 private:
  static ServerOptions prepared(ServerOptions options) {
    options.port = 0;
    return options;
  }

  Server server_;
  std::thread thread_;
};

}  // namespace visavis::server
