#include "harness/runner/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/cost/cost.h"
#include "harness/graders/graders.h"
#include "harness/runner/ask.h"
#include "harness/runner/fixed_length.h"
#include "harness/runner/revisit.h"
#include "harness/store/export.h"
#include "harness/store/store.h"
#include "machine/gpu.h"
#include "machine/process_memory.h"

namespace visavis::runner {
namespace {

// One start of the program: the store, the models and the time that is spent.
class Session {
 public:
  Session(const Experiment& experiment, const Schedule& schedule, store::Store& store,
          const std::atomic<bool>& stop, const base::Clock& clock, Progress& progress)
      : experiment_(experiment),
        schedule_(schedule),
        store_(store),
        stop_(stop),
        clock_(clock),
        progress_(progress),
        begin_ns_(clock.now_ns()),
        answered_(store.answered()) {
    for (const store::SessionRow& earlier : store.read_all().sessions)
      earlier_seconds_ += earlier.wall_seconds;
    for (const machine::GpuFacts& card : machine::gpu_facts()) cards_.emplace_back(card.bus_id);
    row_.started_at = base::utc_timestamp();
    row_.ending = "running";
    row_.id = store.begin_session(row_.started_at);
  }

  Ending run(chat::ModelHost& host) {
    open_models(host);
    first_answer_ns_ = clock_.now_ns();
    const Ending ending = answer_all();
    if (ending == Ending::complete || ending == Ending::limit) {
      revisit_some();
      fix_lengths();
    }
    row_.wall_seconds = wall_seconds();
    row_.energy_joules = energy();
    row_.ending = name_of(ending);
    store_.update_session(row_);
    store_.set_state(row_.ending, row_.id);
    return ending;
  }

 private:
  double wall_seconds() const { return base::seconds_between(begin_ns_, clock_.now_ns()); }
  double spent_seconds() const { return earlier_seconds_ + wall_seconds(); }

  // Of the cards that models run on; -1 if one of them does not tell, or there is none.
  double energy() const {
    double sum = -1;
    for (const machine::EnergyMeter& card : cards_) {
      const auto runs_there = [&](const chat::ChatModel* model) {
        return model->facts().card_bus_id == card.bus_id();
      };
      if (std::none_of(models_.begin(), models_.end(), runs_there)) continue;
      const double joules = card.joules();
      if (joules < 0) return -1;
      sum = std::max(sum, 0.0) + joules;
    }
    return sum;
  }

  // Each model is opened and warmed up before the next one, so that what the process grows by in
  // the meantime is that model's own memory.
  void open_models(chat::ModelHost& host) {
    const std::vector<store::ModelRow> stored = store_.models();
    for (const suites::Titles& note : schedule_.notes)
      progress_.note(experiment_.lang == "zh" ? note.zh : note.en);
    for (const store::ModelRow& model : schedule_.models) {
      if (stop_) break;
      progress_.note("loading " + model.label);
      const bool peak_is_fresh = machine::reset_peak_resident();
      const int64_t resident_before = machine::resident_bytes();
      const int64_t begin_ns = clock_.now_ns();
      chat::ChatModel& opened = host.open(model.provider, model.options);
      row_.load_seconds += base::seconds_between(begin_ns, clock_.now_ns());
      const chat::ModelFacts& before = stored.at(static_cast<size_t>(model.id)).facts;
      chat::ModelFacts now = opened.facts();
      require(before.name.empty() || before.weights_sha256 == now.weights_sha256,
              "cannot resume, because model '", model.label,
              "' is not the stored one: its weights were ", before.weights_sha256, ", are ",
              now.weights_sha256);
      int64_t& in_use = device_in_use_[now.device];
      const int64_t in_use_before = in_use;
      warm_up(opened, model.id, in_use);
      now.memory.device_peak = in_use - in_use_before;
      now.memory.host_peak =
          (peak_is_fresh ? machine::peak_resident_bytes() : machine::resident_bytes()) -
          resident_before;
      if (before.name.empty()) store_.set_facts(model.id, now);
      models_.push_back(&opened);
    }
    row_.wall_seconds = wall_seconds();
    store_.update_session(row_);
  }

  // The last questions of the run serve as warm-up: a stopped run rarely reaches them.
  // `device_peak` rises to the most memory of a card that was in use.
  void warm_up(chat::ChatModel& model, int64_t model_id, int64_t& device_peak) {
    const bool has_own_memory = !model.facts().device.starts_with("cpu");
    const int64_t begin_ns = clock_.now_ns();
    const auto count =
        std::min<size_t>(static_cast<size_t>(experiment_.warmup), schedule_.items.size());
    for (size_t i = 0; i < count && !stop_; ++i) {
      const store::ItemRow& item = schedule_.items[schedule_.items.size() - 1 - i];
      const std::optional<chat::Outcome> outcome = answer(model, item, load_pictures(item));
      if (!outcome) break;
      store::WarmupRow warmup{row_.id, model_id, item.id, -1, ""};
      if (const auto* failure = std::get_if<chat::Failure>(&*outcome)) {
        warmup.failure = failure->message;
      } else {
        const auto& completion = std::get<chat::Completion>(*outcome);
        warmup.e2e = completion.timing.e2e;
        if (has_own_memory) device_peak = std::max(device_peak, completion.memory.device_peak);
      }
      store_.add_warmup(warmup);
    }
    row_.warmup_seconds += base::seconds_between(begin_ns, clock_.now_ns());
  }

  std::optional<chat::Outcome> answer(chat::ChatModel& model, const store::ItemRow& item,
                                      const Pictures& pictures) {
    if (const auto* failure = std::get_if<chat::Failure>(&pictures)) return *failure;
    return ask(model,
               make_request(item, std::get<std::vector<chat::Image>>(pictures),
                            experiment_.generation, experiment_.seed),
               stop_);
  }

  bool is_answered(const store::ItemRow& item) const {
    return std::all_of(schedule_.models.begin(), schedule_.models.end(), [&](const auto& model) {
      return answered_.count({model.id, item.id}) > 0;
    });
  }

  // Why the next question must not be started. Time and money are looked at as they would be
  // after a question as slow as the slowest so far.
  std::optional<Ending> reason_to_stop(const store::ItemRow& next) const {
    const store::Limits& limits = experiment_.limits;
    if (stop_) return Ending::interrupted;
    if (limits.max_items > 0 && next.id >= limits.max_items) return Ending::limit;
    const double seconds = spent_seconds() + slowest_item_seconds_;
    if (limits.max_seconds > 0 && seconds > limits.max_seconds) return Ending::time;
    if (limits.max_cost > 0 && cost::run_cost(limits.price_per_hour, seconds) > limits.max_cost)
      return Ending::budget;
    return std::nullopt;
  }

  Ending answer_all() {
    for (const store::ItemRow& item : schedule_.items) {
      if (is_answered(item)) continue;
      if (const std::optional<Ending> reason = reason_to_stop(item)) return *reason;
      const int64_t begin_ns = clock_.now_ns();
      const Pictures pictures = load_pictures(item);
      for (const size_t m : model_order(models_.size(), item.id, experiment_.order)) {
        if (answered_.count({schedule_.models[m].id, item.id}) > 0) continue;
        if (stop_) return Ending::interrupted;
        const machine::EnergyMeter energy(models_[m]->facts().card_bus_id);
        const std::optional<chat::Outcome> outcome = answer(*models_[m], item, pictures);
        if (!outcome) return Ending::interrupted;
        store_answer(schedule_.models[m], item, *outcome, energy.joules());
      }
      slowest_item_seconds_ =
          std::max(slowest_item_seconds_, base::seconds_between(begin_ns, clock_.now_ns()));
    }
    return Ending::complete;
  }

  // The first questions with pictures, since the run's order is a random one anyway; the same ones
  // for every model. Their times stand beside the measured ones and change nothing there, so a
  // limit or ctrl-C only makes them fewer.
  void revisit_some() {
    const store::RunData data = store_.read_all();
    int left = experiment_.revisits;
    for (const store::ItemRow& item : schedule_.items) {
      if (item.question.images.empty()) continue;
      if (left-- <= 0 || reason_to_stop(item)) break;
      const Pictures pictures = load_pictures(item);
      if (std::holds_alternative<chat::Failure>(pictures)) continue;
      for (const store::AnswerRow& answer : data.answers) {
        if (answer.item == item.id &&
            !revisit(answer, item, std::get<std::vector<chat::Image>>(pictures), data))
          return;
      }
    }
  }

  // False when the user does not want to wait any longer.
  bool revisit(const store::AnswerRow& answer, const store::ItemRow& item,
               const std::vector<chat::Image>& pictures, const store::RunData& data) {
    chat::ChatModel& model = *models_.at(static_cast<size_t>(answer.model));
    const bool there =
        std::any_of(data.revisits.begin(), data.revisits.end(), [&](const store::RevisitRow& row) {
          return row.model == answer.model && row.item == answer.item;
        });
    if (!model.facts().can_reuse || !answer.failure.empty() || there) return true;
    std::optional<store::RevisitRow> row = ask_again(model, item, pictures, experiment_.generation,
                                                     experiment_.seed, answer.text, stop_);
    if (!row) return false;
    row->model = answer.model;
    row->item = answer.item;
    row->session = row_.id;
    store_.add_revisit(*row);
    return true;
  }

  // As revisit_some(), for the track of equal lengths.
  void fix_lengths() {
    if (experiment_.fixed_items == 0) return;
    const store::RunData data = store_.read_all();
    int left = experiment_.fixed_items;
    for (const store::ItemRow& item : schedule_.items) {
      if (left-- <= 0 || reason_to_stop(item)) break;
      const Pictures pictures = load_pictures(item);
      if (std::holds_alternative<chat::Failure>(pictures)) continue;
      for (const store::AnswerRow& answer : data.answers) {
        if (answer.item == item.id &&
            !fix_length(answer, item, std::get<std::vector<chat::Image>>(pictures), data))
          return;
      }
    }
  }

  // False when the user does not want to wait any longer.
  bool fix_length(const store::AnswerRow& answer, const store::ItemRow& item,
                  const std::vector<chat::Image>& pictures, const store::RunData& data) {
    const bool there = std::any_of(
        data.fixed_lengths.begin(), data.fixed_lengths.end(),
        [&](const auto& row) { return row.model == answer.model && row.item == answer.item; });
    if (!answer.failure.empty() || there) return true;
    std::optional<store::FixedLengthRow> row =
        ask_fixed_length(*models_.at(static_cast<size_t>(answer.model)), item, pictures,
                         experiment_.generation, experiment_.seed, experiment_.fixed_tokens, stop_);
    if (!row) return false;
    row->model = answer.model;
    row->session = row_.id;
    store_.add_fixed_length(*row);
    return true;
  }

  void store_answer(const store::ModelRow& model, const store::ItemRow& item,
                    const chat::Outcome& outcome, double joules) {
    store::AnswerRow row;
    row.energy_joules = joules;
    row.model = model.id;
    row.item = item.id;
    row.session = row_.id;
    row.sequence = static_cast<int64_t>(answered_.size());
    if (const auto* failure = std::get_if<chat::Failure>(&outcome)) {
      row.failure = failure->message.empty() ? "failed without a reason" : failure->message;
    } else {
      const auto& completion = std::get<chat::Completion>(outcome);
      row.text = completion.text;
      row.thinking = completion.thinking;
      row.finish = completion.finish;
      row.characters = base::count_code_points(completion.text);
      row.usage = completion.usage;
      row.timing = completion.timing;
      row.token_times = completion.token_times;
      row.memory = completion.memory;
      row.prompt_sha256 = completion.prompt_sha256;
      row.notes = completion.notes;
    }
    const graders::Grade grade =
        graders::grade(item.question, is_graded(item), outcome, experiment_.judgement.cutoffs);
    store_.add_answer(row, {model.id, item.id, item.question.grader, grade}, wall_seconds());
    answered_.emplace(model.id, item.id);
    ++answered_now_;
    progress_.update(standing());
  }

  bool is_graded(const store::ItemRow& item) const {
    const auto& scenarios = schedule_.suites.at(static_cast<size_t>(item.suite)).scenarios;
    const auto same = [&](const suites::Scenario& s) { return s.id == item.question.scenario; };
    return std::find_if(scenarios.begin(), scenarios.end(), same)->graded;
  }

  Standing standing() const {
    const store::Limits& limits = experiment_.limits;
    auto items = static_cast<int64_t>(schedule_.items.size());
    if (limits.max_items > 0) items = std::min(items, limits.max_items);
    Standing standing;
    standing.answered = static_cast<int64_t>(answered_.size());
    standing.total = items * static_cast<int64_t>(schedule_.models.size());
    standing.answered_now = answered_now_;
    standing.seconds_now = base::seconds_between(first_answer_ns_, clock_.now_ns());
    standing.cost =
        limits.price_per_hour > 0 ? cost::run_cost(limits.price_per_hour, spent_seconds()) : -1;
    standing.currency = limits.currency;
    return standing;
  }

  const Experiment& experiment_;
  const Schedule& schedule_;
  store::Store& store_;
  const std::atomic<bool>& stop_;
  const base::Clock& clock_;
  Progress& progress_;
  int64_t begin_ns_;
  int64_t first_answer_ns_ = 0;
  std::set<std::pair<int64_t, int64_t>> answered_;
  std::map<std::string, int64_t> device_in_use_;  // of each card, by all models opened so far
  std::vector<chat::ChatModel*> models_;
  std::vector<machine::EnergyMeter> cards_;
  store::SessionRow row_;
  double earlier_seconds_ = 0;
  double slowest_item_seconds_ = 0;
  int64_t answered_now_ = 0;
};

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

store::Store open_or_create(const Experiment& experiment, const Schedule& schedule,
                            const RunOptions& options) {
  const std::filesystem::path path = store_path(options.out);
  const store::RunRow run = make_run_row(experiment, schedule, options);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return store::Store::create(path, run, schedule.models, schedule.suites, schedule.items);
  require(options.resume, "'", options.out.string(),
          "' holds a run already; go on with it (--resume) or choose another folder (--out)");
  store::Store store = store::Store::open(path);
  require_same_plan(store.run(), store.read_all().items, schedule);
  store.update_run(run);
  return store;
}

// Tells whether the run needs no model: everything (that the limit allows) is answered already.
// A crash between the last answer and the end leaves such a run marked as running.
std::optional<Ending> ending_without_work(const Experiment& experiment, const Schedule& schedule,
                                          store::Store& store) {
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

}  // namespace

const char* name_of(Ending ending) {
  switch (ending) {
    case Ending::complete:
      return "complete";
    case Ending::limit:
      return "limit";
    case Ending::time:
      return "time";
    case Ending::budget:
      return "budget";
    case Ending::interrupted:
      return "interrupted";
  }
  return "complete";
}

std::filesystem::path store_path(const std::filesystem::path& out) {
  return out / "results.sqlite";
}

Ending run(const Experiment& experiment, const Schedule& schedule, chat::ModelHost& host,
           const RunOptions& options, const std::atomic<bool>& stop, const base::Clock& clock,
           Progress& progress) {
  base::make_folder(options.out);
  store::Store store = open_or_create(experiment, schedule, options);
  const std::optional<Ending> settled = ending_without_work(experiment, schedule, store);
  const Ending ending =
      settled ? *settled : Session(experiment, schedule, store, stop, clock, progress).run(host);
  store::write_answers(options.out, store.read_all());
  return ending;
}

}  // namespace visavis::runner
