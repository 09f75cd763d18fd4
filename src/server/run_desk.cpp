#include "server/run_desk.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/report/report.h"
#include "harness/report/results.h"
#include "harness/runner/runner.h"
#include "harness/runner/schedule.h"
#include "harness/store/store.h"
#include "server/api_error.h"

namespace visavis::server {

namespace fs = std::filesystem;

namespace {

constexpr const char* kOrderFile = "order.json";

// "20260131-235959", and a number if there is such a folder.
std::string new_name(const fs::path& folder) {
  std::string stamp = base::utc_timestamp();
  for (const char* const drop : {"-", ":", "Z"}) stamp = base::replace_all(stamp, drop, "");
  stamp = base::replace_all(stamp, "T", "-");
  std::error_code ignored;
  std::string name = stamp;
  for (int i = 2; fs::exists(folder / name, ignored); ++i) name = stamp + "-" + std::to_string(i);
  return name;
}

}  // namespace

base::Json to_json(const RunOrder& order) {
  base::Json models = base::Json::array();
  for (const RunOrder::Model& model : order.models) {
    base::Json options = base::Json::array();
    for (const auto& [key, value] : model.options) options.push_back({key, value});
    models.push_back({{"name", model.name}, {"options", std::move(options)}});
  }
  base::Json json = {{"suite", order.suite}, {"models", std::move(models)}};
  if (order.limit) json["limit"] = *order.limit;
  if (order.budget) json["budget"] = *order.budget;
  if (order.price) json["price"] = *order.price;
  if (order.max_time) json["max_time"] = *order.max_time;
  return json;
}

RunOrder run_order_from(const base::Json& json) {
  RunOrder order;
  try {
    order.suite = json.at("suite").get<std::string>();
    for (const base::Json& model : json.at("models")) {
      RunOrder::Model& row = order.models.emplace_back();
      row.name = model.at("name").get<std::string>();
      for (const base::Json& option : model.at("options"))
        row.options.emplace_back(option.at(0).get<std::string>(), option.at(1).get<std::string>());
    }
    if (json.contains("limit")) order.limit = json["limit"].get<int64_t>();
    if (json.contains("budget")) order.budget = json["budget"].get<double>();
    if (json.contains("price")) order.price = json["price"].get<double>();
    if (json.contains("max_time")) order.max_time = json["max_time"].get<std::string>();
  } catch (const base::Json::exception& error) {
    fail(kOrderFile, ": ", error.what());
  }
  return order;
}

// Keeps what the runner reports.
class RunDesk::Watch : public runner::Progress {
 public:
  explicit Watch(RunDesk& desk) : desk_(desk) {}
  void note(const std::string& line) override {
    if (desk_.log_) desk_.log_(line);
  }
  void update(const runner::Standing& standing) override {
    const std::lock_guard lock(desk_.mutex_);
    desk_.standing_.answers = standing;
  }
  void asking(const std::string& model, const std::string& question) override {
    const std::lock_guard lock(desk_.mutex_);
    desk_.standing_.model = model;
    desk_.standing_.question = question;
  }

 private:
  RunDesk& desk_;
};

RunDesk::RunDesk(RunSetting setting, Residents& residents, const base::Clock& clock,
                 std::function<void(const std::string&)> log)
    : setting_(std::move(setting)), residents_(residents), clock_(clock), log_(std::move(log)) {}

RunDesk::~RunDesk() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

std::string RunDesk::start(const RunOrder& order) {
  if (setting_.folder.empty())
    throw ApiError(409, "this server keeps no runs (visavis serve --runs DIR)");
  const std::lock_guard starting(starting_);
  base::make_folder(setting_.folder);
  const std::string id = new_name(setting_.folder);
  begin(id, order, false);
  return id;
}

void RunDesk::resume(const std::string& id) {
  const std::lock_guard starting(starting_);
  begin(id, order_of(id), true);
}

RunOrder RunDesk::order_of(const std::string& id) const {
  const fs::path file = folder_of(id) / kOrderFile;
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored))
    throw ApiError(409, "run '" + id + "' was not started here; go on with it by visavis compare " +
                            "--resume");
  return run_order_from(base::read_json(file));
}

void RunDesk::begin(const std::string& id, const RunOrder& order, bool resume) {
  if (!running().empty()) throw ApiError(409, "a run goes on already: " + running());
  for (const RunOrder::Model& model : order.models) {
    const std::shared_ptr<Resident> resident = residents_.find(model.name);
    if (resident->options != model.options)
      throw ApiError(409, "model '" + model.name + "' is loaded with other options than the run's");
  }
  for (const auto& resident : residents_.all()) {
    const Lane::Load load = resident->lane->load();
    if (load.answering + load.waiting > 0 || resident->scoring > 0)
      throw ApiError(409, "model '" + resident->name +
                              "' is answering; its times would be wrong: wait for that");
  }
  runner::Experiment experiment;
  runner::Schedule schedule;
  try {
    experiment = setting_.experiment_of(order);
    schedule = runner::make_schedule(experiment);
  } catch (const Error& error) {
    throw ApiError(400, error.what());
  }
  const fs::path out = setting_.folder / id;
  base::make_folder(out);
  if (!resume) base::write_file_atomically(out / kOrderFile, base::dump_json(to_json(order), 1));

  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) thread_.join();  // it has ended
  stop_ = false;
  running_ = true;
  id_ = id;
  begin_ns_ = clock_.now_ns();
  standing_ = {};
  const auto items = static_cast<int64_t>(schedule.items.size());
  standing_.answers.total = static_cast<int64_t>(experiment.providers.size()) *
                            std::min(order.limit.value_or(items), items);
  standing_.answers.cost = -1;
  standing_.budget = order.budget;
  thread_ =
      std::thread([this, out, experiment = std::move(experiment), schedule = std::move(schedule)] {
        Watch watch(*this);
        std::string problem;
        try {
          runner::RunOptions options;
          options.out = out;
          options.resume = true;  // the folder may hold nothing yet
          options.machine = setting_.machine_json();
          options.build = setting_.build_json();
          runner::run(experiment, schedule, residents_.host(), options, stop_, clock_, watch);
          report::write_report(report::compute_results(store::read_run(runner::store_path(out))),
                               out, experiment.lang);
        } catch (const std::exception& error) {
          problem = error.what();
          if (log_) log_("run " + out.filename().string() + ": " + problem);
        }
        const std::lock_guard done(mutex_);
        standing_.seconds = base::seconds_between(begin_ns_, clock_.now_ns());
        standing_.problem = problem;
        running_ = false;
      });
}

void RunDesk::stop(const std::string& id) {
  if (running() != id) throw ApiError(409, "run '" + id + "' does not go on");
  stop_ = true;
}

void RunDesk::stop_any() { stop_ = true; }

void RunDesk::require_quiet() const {
  if (running().empty()) return;
  throw ApiError(503, "a comparison goes on, whose times nothing may disturb; come again later", "",
                 "run_in_progress", 30);
}

std::string RunDesk::running() const {
  const std::lock_guard lock(mutex_);
  return running_ ? id_ : std::string();
}

std::optional<RunDesk::Standing> RunDesk::standing(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  if (id_ != id) return std::nullopt;
  Standing now = standing_;
  if (running_) now.seconds = base::seconds_between(begin_ns_, clock_.now_ns());
  now.stopping = running_ && stop_;
  return now;
}

fs::path RunDesk::folder_of(const std::string& id) const {
  std::error_code ignored;
  const fs::path folder = setting_.folder / id;
  // Routes let plain names through only; an empty folder of all runs holds none.
  if (setting_.folder.empty() || !fs::is_directory(folder, ignored) ||
      (!fs::is_regular_file(runner::store_path(folder), ignored) &&
       !fs::is_regular_file(folder / kOrderFile, ignored)))
    throw ApiError(404, "no run '" + id + "'", "", "run_not_found");
  return folder;
}

}  // namespace visavis::server
