#include "server/run_list.h"

#include <algorithm>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"
#include "server/api_error.h"

namespace visavis::server {

namespace fs = std::filesystem;

namespace {

const char* state_of(const RunDesk& desk, const std::string& id, const std::string& stored) {
  if (desk.running() == id) {
    const auto standing = desk.standing(id);
    return standing && standing->stopping ? "stopping" : "running";
  }
  return stored == "complete" || stored == "decided" || stored == "limit" ? "finished" : "stopped";
}

// Without a price there is none; negative means so, too.
base::Json money_or_null(double amount) { return amount < 0 ? base::Json() : base::Json(amount); }

double spent(const store::RunData& run) {
  if (run.run.limits.price_per_hour <= 0) return -1;
  double seconds = 0;
  for (const store::SessionRow& session : run.sessions) seconds += session.wall_seconds;
  return seconds / 3600 * run.run.limits.price_per_hour;
}

// A run that goes on and has no store yet.
base::Json beginning_json(const RunDesk& desk, const std::string& id) {
  base::Json models = base::Json::array();
  for (const RunOrder::Model& model : desk.order_of(id).models) models.push_back(model.name);
  const RunDesk::Standing standing = desk.standing(id).value_or(RunDesk::Standing{});
  const int64_t total = standing.answers.total;
  return {{"id", id},
          {"description", ""},
          {"started", base::utc_timestamp()},
          {"state", state_of(desk, id, "")},
          {"items", total / std::max<int64_t>(1, static_cast<int64_t>(models.size()))},
          {"answers_done", 0},
          {"answers_total", total},
          {"models", std::move(models)},
          {"spent", nullptr},
          {"budget", standing.budget ? base::Json(*standing.budget) : base::Json()}};
}

bool has_store(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(runner::store_path(folder), ignored);
}

}  // namespace

base::Json run_json(const RunDesk& desk, const std::string& id) {
  const store::RunData run = store::read_run(runner::store_path(desk.folder_of(id)));
  base::Json models = base::Json::array();
  for (const store::ModelRow& model : run.models) models.push_back(model.label);
  const store::Limits& limits = run.run.limits;
  const auto items = static_cast<int64_t>(run.items.size());
  const int64_t asked = limits.max_items > 0 ? std::min(limits.max_items, items) : items;
  return {{"id", id},
          {"description", run.run.description},
          {"started", run.run.created_at},
          {"state", state_of(desk, id, run.run.state)},
          {"items", asked},
          {"answers_done", run.answers.size()},
          {"answers_total", asked * static_cast<int64_t>(run.models.size())},
          {"models", std::move(models)},
          {"spent", money_or_null(spent(run))},
          {"budget", money_or_null(limits.max_cost > 0 ? limits.max_cost : -1)}};
}

base::Json runs_json(const RunDesk& desk) {
  std::vector<base::Json> runs;
  std::error_code ignored;
  if (!desk.folder().empty())
    for (const fs::directory_entry& entry : fs::directory_iterator(desk.folder(), ignored)) {
      const std::string id = entry.path().filename().string();
      try {
        if (has_store(entry.path()))
          runs.push_back(run_json(desk, id));
        else if (desk.running() == id)
          runs.push_back(beginning_json(desk, id));
      } catch (const Error&) {
        // Not a run, or of another version.
      }
    }
  std::sort(runs.begin(), runs.end(), [](const base::Json& a, const base::Json& b) {
    return a["started"].get<std::string>() > b["started"].get<std::string>();
  });
  return runs;
}

base::Json standing_json(const RunDesk& desk, const std::string& id) {
  const auto standing = desk.standing(id);
  if (standing && desk.running() == id)
    return {{"state", standing->stopping ? "stopping" : "running"},
            {"answers_done", standing->answers.answered},
            {"answers_total", standing->answers.total},
            {"seconds", standing->seconds},
            {"spent", money_or_null(standing->answers.cost)},
            {"budget", standing->budget ? base::Json(*standing->budget) : base::Json()},
            {"now", standing->question.empty()
                        ? base::Json()
                        : base::Json{{"model", standing->model}, {"item", standing->question}}}};
  base::Json json = {{"state", "stopped"},
                     {"answers_done", 0},
                     {"answers_total", 0},
                     {"spent", nullptr},
                     {"budget", nullptr}};
  try {
    const base::Json run = run_json(desk, id);
    for (const char* const key : {"state", "answers_done", "answers_total", "spent", "budget"})
      json[key] = run[key];
  } catch (const ApiError&) {
    throw;
  } catch (const Error&) {
    // It failed before it stored anything; `problem` says why.
  }
  json["seconds"] = standing ? standing->seconds : 0.0;
  json["now"] = nullptr;
  if (standing && !standing->problem.empty()) json["problem"] = standing->problem;
  return json;
}

}  // namespace visavis::server
