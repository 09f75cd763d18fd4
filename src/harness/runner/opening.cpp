#include "harness/runner/opening.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace visavis::runner {
namespace {

store::RunRow make_run_row(const Experiment& experiment, const Schedule& schedule,
                           const RunOptions& options) {
  store::RunRow run;
  run.description = experiment.description;
  run.plan = schedule.plan;
  run.seed = experiment.seed;
  run.warmup = experiment.warmup;
  run.order = experiment.order;
  run.judgement = experiment.judgement;
  run.limits = experiment.limits;
  run.lang = experiment.lang;
  run.machine = options.machine;
  run.build = options.build;
  run.created_at = base::utc_timestamp();
  run.state = "running";
  return run;
}

}  // namespace

store::Store open_or_create(const Experiment& experiment, const Schedule& schedule,
                            const RunOptions& options) {
  const std::filesystem::path path = store_path(options.out);
  store::RunRow run = make_run_row(experiment, schedule, options);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return store::Store::create(path, run, schedule.models, schedule.suites, schedule.items);
  require(options.resume, "'", options.out.string(),
          "' holds a run already; go on with it (--resume) or choose another folder (--out)");
  store::Store store = store::Store::open(path);
  const store::RunRow stored = store.run();
  require_same_plan(stored, store.read_all().items, schedule);
  if (run.judgement.stop_when_decided)  // until it ends again
    run.judgement.alpha_at_end = stored.judgement.alpha_at_end;
  store.update_run(run);
  return store;
}

std::optional<Ending> ending_without_work(const Experiment& experiment, const Schedule& schedule,
                                          store::Store& store) {
  if (experiment.judgement.stop_when_decided && store.run().state == name_of(Ending::decided))
    return Ending::decided;
  const std::set<std::pair<int64_t, int64_t>> answered = store.answered();
  std::optional<Ending> ending = Ending::complete;
  for (const store::ItemRow& item : schedule.items) {
    if (experiment.limits.max_items > 0 && item.id >= experiment.limits.max_items) {
      ending = Ending::limit;
      break;
    }
    for (const store::ModelRow& model : schedule.models)
      if (answered.count({model.id, item.id}) == 0) return std::nullopt;
  }
  const std::vector<store::SessionRow> sessions = store.read_all().sessions;
  if (!sessions.empty() && store.run().state != name_of(*ending))
    store.set_state(name_of(*ending), sessions.back().id);
  return ending;
}

}  // namespace visavis::runner
