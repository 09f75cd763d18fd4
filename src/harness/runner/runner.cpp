#include "harness/runner/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
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
#include "harness/cost/tokens.h"
#include "harness/graders/graders.h"
#include "harness/runner/ask.h"
#include "harness/runner/fixed_length.h"
#include "harness/runner/flight.h"
#include "harness/runner/looks.h"
#include "harness/runner/opening.h"
#include "harness/runner/reuse.h"
#include "harness/runner/revisit.h"
#include "harness/store/export.h"
#include "harness/store/store.h"
#include "machine/gpu.h"
#include "machine/process_memory.h"

namespace visavis::runner {
namespace {

constexpr std::chrono::milliseconds kPollInterval{20};
// Questions that answerers of several requests get at a time, as a multiple of those requests: so
// many that waiting for the last of a group costs little.
constexpr size_t kGroupsAtOnce = 4;

// One start of the program: the store, the models and the time that is spent.
class Session {
 public:
  Session(const Experiment& experiment, const Schedule& schedule, store::Store& store,
          const RunOptions& options, const std::atomic<bool>& stop, const base::Clock& clock,
          Progress& progress)
      : experiment_(experiment),
        schedule_(schedule),
        store_(store),
        options_(options),
        stop_(stop),
        clock_(clock),
        progress_(progress),
        begin_ns_(clock.now_ns()),
        answered_(store.answered()) {
    const store::RunData data = store.read_all();
    for (const store::SessionRow& earlier : data.sessions) earlier_seconds_ += earlier.wall_seconds;
    for (const store::AnswerRow& earlier : data.answers)
      if (earlier.reused_from.empty())
        token_cost_ += cost::token_cost(data.models.at(static_cast<size_t>(earlier.model)).facts,
                                        earlier.usage)
                           .value_or(0);
    for (const machine::GpuFacts& card : machine::gpu_facts()) cards_.emplace_back(card.bus_id);
    row_.started_at = base::utc_timestamp();
    row_.ending = "running";
    row_.id = store.begin_session(row_.started_at);
  }

  Ending run(chat::ModelHost& host) {
    for (const std::filesystem::path& folder : experiment_.reuse_answers)
      library_.add_run(store_path(folder));
    open_models(host);
    for (size_t m = 0; m < models_.size(); ++m) (is_far(m) ? far_ : near_).push_back(m);
    first_answer_ns_ = clock_.now_ns();
    const Ending ending = answer_all();
    set_level(ending);
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
        return machine::same_card(model->facts().card_bus_id, card.bus_id());
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
      if (!now.remote)
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
      add_token_cost(model.facts(), *outcome);
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
               make_request(item, std::get<std::vector<chat::Part>>(pictures),
                            experiment_.generation, experiment_.seed),
               stop_);
  }

  bool is_answered(const store::ItemRow& item) const {
    return std::all_of(schedule_.models.begin(), schedule_.models.end(), [&](const auto& model) {
      return answered_.count({model.id, item.id}) > 0;
    });
  }

  // Whether the model gets its questions in groups.
  bool is_far(size_t m) const { return models_[m]->facts().parallel > 1; }

  size_t group_size() const {
    size_t most = 1;
    for (const size_t m : far_)
      most = std::max(most, static_cast<size_t>(models_[m]->facts().parallel) * kGroupsAtOnce);
    return most;
  }

  void add_token_cost(const chat::ModelFacts& facts, const chat::Outcome& outcome) {
    if (const auto* completion = std::get_if<chat::Completion>(&outcome))
      token_cost_ += cost::token_cost(facts, completion->usage).value_or(0);
  }

  // Why the next question must not be started, while `begun` others are still to be answered by
  // models that get them in groups. Time and money are looked at as they would be after all of
  // them, each as slow and dear as the worst so far.
  std::optional<Ending> reason_to_stop(const store::ItemRow& next, size_t begun = 0) const {
    const store::Limits& limits = experiment_.limits;
    if (stop_) return Ending::interrupted;
    if (limits.max_items > 0 && next.id >= limits.max_items) return Ending::limit;
    double seconds = spent_seconds() + slowest_item_seconds_;
    if (!far_.empty())
      seconds += slowest_request_seconds_ * (1 + static_cast<double>(begun * kGroupsAtOnce) /
                                                     static_cast<double>(group_size()));
    if (limits.max_seconds > 0 && seconds > limits.max_seconds) return Ending::time;
    const double money = cost::run_cost(limits.price_per_hour, seconds) + token_cost_ +
                         dearest_answer_ * static_cast<double>((begun + 1) * models_.size());
    if (limits.max_cost > 0 && money > limits.max_cost) return Ending::budget;
    return std::nullopt;
  }

  Ending answer_all() {
    size_t next = 0;
    while (next < schedule_.items.size()) {
      if (stop_) return Ending::interrupted;
      const int64_t before = schedule_.items[next].id;
      std::vector<const store::ItemRow*> group;
      std::optional<Ending> reason;
      for (; next < schedule_.items.size() && group.size() < group_size(); ++next) {
        const store::ItemRow& item = schedule_.items[next];
        if (is_answered(item)) continue;
        // Without models that take turns it is asked when the question is sent.
        if (!near_.empty()) reason = reason_to_stop(item, group.size());
        if (reason) break;
        if (!answer_in_turns(item)) return Ending::interrupted;
        group.push_back(&item);
      }
      if (!far_.empty()) {
        const std::optional<Ending> broken = answer_at_once(group);
        if (broken) reason = broken;
      }
      if (reason) return *reason;
      const int64_t after = next < schedule_.items.size()
                                ? schedule_.items[next].id
                                : static_cast<int64_t>(schedule_.items.size());
      if (experiment_.judgement.stop_when_decided && look_is_due(before, after, planned_items()) &&
          is_decided(store_.read_all(), after, planned_items())) {
        return Ending::decided;
      }
    }
    return Ending::complete;
  }

  int64_t planned_items() const {
    const auto all = static_cast<int64_t>(schedule_.items.size());
    const int64_t most = experiment_.limits.max_items;
    return most > 0 ? std::min(most, all) : all;
  }

  // A run that looks at its answers several times must not be judged as one that looks once.
  void set_level(Ending ending) {
    if (!experiment_.judgement.stop_when_decided) return;
    int64_t complete = 0;
    while (complete < static_cast<int64_t>(schedule_.items.size()) &&
           is_answered(schedule_.items[static_cast<size_t>(complete)]))
      ++complete;
    store::RunRow run = store_.run();
    run.judgement.alpha_at_end =
        level_at_end(run.judgement.alpha, complete, planned_items(), ending == Ending::decided);
    store_.update_run(run);
  }

  // The models that take turns; false when the user does not want to wait.
  bool answer_in_turns(const store::ItemRow& item) {
    if (near_.empty()) return true;
    const int64_t begin_ns = clock_.now_ns();
    const Pictures pictures = load_pictures(item);
    for (const size_t turn : model_order(near_.size(), item.id, experiment_.order)) {
      const size_t m = near_[turn];
      if (answered_.count({schedule_.models[m].id, item.id}) > 0 || take_known(m, item)) continue;
      if (stop_) return false;
      progress_.asking(schedule_.models[m].label, item.question.id);
      const machine::EnergyMeter energy(models_[m]->facts().card_bus_id);
      const std::optional<chat::Outcome> outcome = answer(*models_[m], item, pictures);
      if (!outcome) return false;
      store_answer(m, item, *outcome, energy.joules());
    }
    slowest_item_seconds_ =
        std::max(slowest_item_seconds_, base::seconds_between(begin_ns, clock_.now_ns()));
    return true;
  }

  // The models that get several questions at once. With models that take turns, which have answered
  // the group, all of it is asked; otherwise the first limit that is reached ends it, with every
  // question that was sent to one model sent to all.
  std::optional<Ending> answer_at_once(const std::vector<const store::ItemRow*>& group) {
    Flight flight;
    std::vector<int64_t> begun_ns(group.size());
    std::vector<size_t> next(models_.size());
    size_t allowed = near_.empty() ? 0 : group.size();
    const size_t answered_before = answered_.size();
    std::optional<Ending> reason;
    for (;;) {
      bool all_sent = true;
      for (const size_t m : far_) {
        const auto most = static_cast<size_t>(models_[m]->facts().parallel);
        while (next[m] < group.size() && static_cast<size_t>(flight.count(m)) < most) {
          const store::ItemRow& item = *group[next[m]];
          if (next[m] == allowed) {
            const size_t open = allowed * far_.size() - (answered_.size() - answered_before);
            if (!reason) reason = reason_to_stop(item, (open + far_.size() - 1) / far_.size());
            if (reason) break;
            ++allowed;
          }
          begun_ns[next[m]] = clock_.now_ns();
          send(flight, m, next[m]++, item);
        }
        all_sent = all_sent && next[m] >= (reason ? allowed : group.size());
      }
      if (flight.is_empty() && all_sent) return reason;
      if (stop_) {
        flight.cancel_all();
        reason = Ending::interrupted;
        while (!flight.is_empty()) land(flight, group, begun_ns);
        return reason;
      }
      land(flight, group, begun_ns);
    }
  }

  void send(Flight& flight, size_t m, size_t place, const store::ItemRow& item) {
    if (answered_.count({schedule_.models[m].id, item.id}) > 0 || take_known(m, item)) return;
    const Pictures pictures = load_pictures(item);
    if (const auto* failure = std::get_if<chat::Failure>(&pictures)) {
      store_answer(m, item, *failure, -1);
      return;
    }
    progress_.asking(schedule_.models[m].label, item.question.id);
    flight.start(*models_[m],
                 make_request(item, std::get<std::vector<chat::Part>>(pictures),
                              experiment_.generation, experiment_.seed),
                 m, place);
  }

  void land(Flight& flight, const std::vector<const store::ItemRow*>& group,
            const std::vector<int64_t>& begun_ns) {
    const std::optional<Flight::Landed> landed = flight.wait(kPollInterval);
    if (!landed) return;
    const auto* completion = std::get_if<chat::Completion>(&landed->outcome);
    if (completion != nullptr && completion->finish == chat::Finish::cancelled) return;
    slowest_request_seconds_ = std::max(
        slowest_request_seconds_, base::seconds_between(begun_ns[landed->item], clock_.now_ns()));
    store_answer(landed->model, *group[landed->item], landed->outcome, -1);
  }

  std::string key_of(size_t m, const store::ItemRow& item) const {
    return content_key(schedule_.models[m], models_[m]->facts(), item, experiment_.generation,
                       experiment_.seed, options_.machine, options_.build);
  }

  // Takes the answer from an earlier run if the user asked for that and there is one.
  bool take_known(size_t m, const store::ItemRow& item) {
    if (library_.size() == 0) return false;
    std::optional<store::AnswerRow> known = library_.find(key_of(m, item));
    if (!known) return false;
    chat::Completion completion;
    completion.text = known->text;
    store_row(m, item, std::move(*known), completion);
    return true;
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
            !revisit(answer, item, std::get<std::vector<chat::Part>>(pictures), data))
          return;
      }
    }
  }

  // False when the user does not want to wait any longer.
  bool revisit(const store::AnswerRow& answer, const store::ItemRow& item,
               const std::vector<chat::Part>& pictures, const store::RunData& data) {
    chat::ChatModel& model = *models_.at(static_cast<size_t>(answer.model));
    const bool there =
        std::any_of(data.revisits.begin(), data.revisits.end(), [&](const store::RevisitRow& row) {
          return row.model == answer.model && row.item == answer.item;
        });
    if (!model.facts().can_reuse || !answer.failure.empty() || there) return true;
    const int64_t begin_ns = clock_.now_ns();
    std::optional<store::RevisitRow> row = ask_again(model, item, pictures, experiment_.generation,
                                                     experiment_.seed, answer.text, stop_);
    if (!row) return false;
    row->model = answer.model;
    row->item = answer.item;
    row->session = row_.id;
    row->wall = base::seconds_between(begin_ns, clock_.now_ns());
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
            !fix_length(answer, item, std::get<std::vector<chat::Part>>(pictures), data))
          return;
      }
    }
  }

  // False when the user does not want to wait any longer.
  bool fix_length(const store::AnswerRow& answer, const store::ItemRow& item,
                  const std::vector<chat::Part>& pictures, const store::RunData& data) {
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

  void store_answer(size_t m, const store::ItemRow& item, const chat::Outcome& outcome,
                    double joules) {
    store::AnswerRow row;
    row.energy_joules = joules;
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
      row.content_key = key_of(m, item);
      const double price = cost::token_cost(models_[m]->facts(), completion.usage).value_or(0);
      token_cost_ += price;
      dearest_answer_ = std::max(dearest_answer_, price);
    }
    store_row(m, item, std::move(row), outcome);
  }

  void store_row(size_t m, const store::ItemRow& item, store::AnswerRow row,
                 const chat::Outcome& outcome) {
    const store::ModelRow& model = schedule_.models[m];
    row.model = model.id;
    row.item = item.id;
    row.session = row_.id;
    row.sequence = static_cast<int64_t>(answered_.size());
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
    const double money = cost::run_cost(limits.price_per_hour, spent_seconds()) + token_cost_;
    standing.cost = money > 0 ? money : -1;
    standing.currency = limits.currency;
    return standing;
  }

  const Experiment& experiment_;
  const Schedule& schedule_;
  store::Store& store_;
  const RunOptions& options_;
  const std::atomic<bool>& stop_;
  const base::Clock& clock_;
  Progress& progress_;
  int64_t begin_ns_;
  int64_t first_answer_ns_ = 0;
  std::set<std::pair<int64_t, int64_t>> answered_;
  std::map<std::string, int64_t> device_in_use_;  // of each card, by all models opened so far
  std::vector<chat::ChatModel*> models_;
  std::vector<machine::EnergyMeter> cards_;
  std::vector<size_t> near_;  // of models_: those that take turns
  std::vector<size_t> far_;   // those that answer several requests at once
  AnswerLibrary library_;
  store::SessionRow row_;
  double earlier_seconds_ = 0;
  double slowest_item_seconds_ = 0;     // of models that take turns, all of them
  double slowest_request_seconds_ = 0;  // of the others, waits included
  double token_cost_ = 0;               // of endpoints, earlier sessions included
  double dearest_answer_ = 0;
  int64_t answered_now_ = 0;
};

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
    case Ending::decided:
      return "decided";
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
      settled ? *settled
              : Session(experiment, schedule, store, options, stop, clock, progress).run(host);
  store::write_answers(options.out, store.read_all());
  return ending;
}

}  // namespace visavis::runner
