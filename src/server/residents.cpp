#include "server/residents.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "server/api_error.h"

namespace visavis::server {

class Residents::SharedHost : public chat::ModelHost {
 public:
  explicit SharedHost(Residents& residents) : residents_(residents) {}

  std::vector<std::string> known() const override {
    const std::lock_guard lock(residents_.host_mutex_);
    return residents_.host_.known();
  }
  chat::ChatModel& open(const std::string& model, const chat::ModelOptions& options) override {
    const std::lock_guard lock(residents_.host_mutex_);
    for (const auto& resident : residents_.all())
      if (resident->name == model && (options.empty() || options == resident->options))
        return *resident->model;
    return residents_.host_.open(model, options);
  }
  chat::Scorer* scorer(chat::ChatModel& model) override {
    const std::lock_guard lock(residents_.host_mutex_);
    return residents_.host_.scorer(model);
  }
  void close(chat::ChatModel& model) override {
    const std::lock_guard lock(residents_.host_mutex_);
    for (const auto& resident : residents_.all())
      if (resident->model == &model) return;
    residents_.host_.close(model);
  }

 private:
  Residents& residents_;
};

Residents::Residents(chat::ModelHost& host, size_t most_waiting, const base::Clock& clock,
                     Lane::Post post)
    : host_(host),
      most_waiting_(most_waiting),
      clock_(clock),
      post_(std::move(post)),
      shared_host_(std::make_unique<SharedHost>(*this)) {}

std::shared_ptr<Resident> Residents::load(const std::string& name,
                                          const chat::ModelOptions& options, size_t slots) {
  const std::lock_guard loading(host_mutex_);
  for (const auto& resident : all()) {
    if (resident->name != name) continue;
    if (resident->options == options) return resident;
    throw ApiError(409, "model '" + name + "' is loaded with other options; unload it first");
  }
  auto resident = std::make_shared<Resident>();
  resident->name = name;
  resident->options = options;
  resident->model = &host_.open(name, options);
  resident->scorer = host_.scorer(*resident->model);
  const chat::ModelFacts& facts = resident->model->facts();
  if (facts.remote) slots = static_cast<size_t>(facts.parallel);
  resident->lane = std::make_shared<Lane>(*resident->model, slots, most_waiting_, clock_, post_);
  resident->created = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  const std::lock_guard lock(mutex_);
  residents_.push_back(resident);
  return resident;
}

void Residents::unload(const std::string& name) {
  const std::lock_guard unloading(host_mutex_);
  const std::shared_ptr<Resident> resident = find(name);
  const auto busy = [&] {
    throw ApiError(409, "model '" + resident->name + "' has requests in flight");
  };
  if (!resident->lane->close(true)) busy();
  if (resident->scoring > 0) {
    resident->lane->reopen();
    busy();
  }
  {
    const std::lock_guard lock(mutex_);
    std::erase(residents_, resident);
  }
  host_.close(*resident->model);
}

std::shared_ptr<Resident> Residents::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (name.empty() && residents_.size() == 1) return residents_.front();
  std::vector<std::string> names;
  for (const auto& resident : residents_) {
    if (resident->name == name) return resident;
    names.push_back(resident->name);
  }
  const std::string known =
      names.empty() ? "none is loaded" : "loaded are: " + base::join(names, ", ");
  if (name.empty())
    throw ApiError(400, "the parameter 'model' is missing; " + known, "model", "missing_parameter");
  throw ApiError(404, "no model '" + base::valid_utf8(name.substr(0, 100)) + "'; " + known, "model",
                 "model_not_found");
}

std::vector<std::shared_ptr<Resident>> Residents::all() const {
  const std::lock_guard lock(mutex_);
  return residents_;
}

}  // namespace visavis::server
