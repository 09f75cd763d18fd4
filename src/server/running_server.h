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
    Setting& setting = options.setting;
    setting.available = [] { return std::vector<std::string>{"fake-a", "fake-b"}; };
    if (!setting.suites) setting.suites = [] { return base::Json::array(); };
    setting.plan = [](const std::string& name, const chat::ModelOptions&) {
      return base::Json{{"model", name}};
    };
    setting.load = [](Residents& residents, const std::string& name,
                      const chat::ModelOptions& given) { return residents.load(name, given, 1); };
    return options;
  }

  Server server_;
  std::thread thread_;
};

}  // namespace visavis::server
