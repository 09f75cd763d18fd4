#include "harness/runner/calibrate.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/runner/progress.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::runner {
namespace {

class Silent : public Progress {
 public:
  void note(const std::string&) override {}
  void update(const Standing&) override {}
};

}  // namespace

Schedule calibration_schedule(const Schedule& schedule) {
  std::map<int64_t, int> of_suite;
  std::map<std::pair<int64_t, std::string>, int> of_scenario;
  std::set<int64_t> chosen;
  std::vector<store::ItemRow> items;
  const auto take = [&](const store::ItemRow& item) {
    ++of_suite[item.suite];
    ++of_scenario[{item.suite, item.question.scenario}];
    chosen.insert(item.id);
    items.push_back(item);
  };
  for (const store::ItemRow& item : schedule.items)
    if (of_suite[item.suite] < kCalibrationItems) take(item);
  for (const store::ItemRow& item : schedule.items)
    if (!chosen.contains(item.id) &&
        of_scenario[{item.suite, item.question.scenario}] < kCalibrationItems)
      take(item);
  Schedule few = schedule;
  few.items = std::move(items);
  for (size_t i = 0; i < few.items.size(); ++i) few.items[i].id = static_cast<int64_t>(i);
  return few;
}

store::RunData calibrate(const Experiment& experiment, const Schedule& schedule,
                         chat::ModelHost& host, const std::filesystem::path& folder,
                         const std::string& machine, const std::atomic<bool>& stop,
                         const base::Clock& clock) {
  Experiment small = experiment;
  // Once each, so that the forecast knows how long they take.
  small.revisits = std::min(1, small.revisits);
  small.fixed_items = std::min(1, small.fixed_items);
  small.limits.max_items = 0;
  small.limits.max_cost = 0;
  small.limits.max_seconds = kCalibrationSeconds;
  for (const Provider& provider : small.providers) host.open(provider.model, provider.options);
  Silent progress;
  RunOptions options;
  options.out = folder;
  options.machine = machine;
  run(small, calibration_schedule(schedule), host, options, stop, clock, progress);
  return store::read_run(store_path(folder));
}

}  // namespace visavis::runner
