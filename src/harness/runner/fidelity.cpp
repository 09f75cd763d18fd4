#include "harness/runner/fidelity.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "harness/graders/graders.h"
#include "harness/runner/ask.h"
#include "harness/stats/divergence.h"

namespace visavis::runner {
namespace {

// Whole predictions are kept in memory between the two models.
constexpr int64_t kMostKeptBytes = int64_t{4} << 30;

const suites::Scenario& scenario_of(const Schedule& schedule, const store::ItemRow& item) {
  const auto& scenarios = schedule.suites.at(static_cast<size_t>(item.suite)).scenarios;
  return *std::find_if(scenarios.begin(), scenarios.end(), [&](const suites::Scenario& scenario) {
    return scenario.id == item.question.scenario;
  });
}

struct Answered {
  std::string text;
  std::string failure;
  bool right = false;
  std::vector<std::vector<float>> predictions;  // of the reference's answer
};

class Asker {
 public:
  Asker(const Experiment& experiment, const Schedule& schedule, const std::atomic<bool>& stop)
      : experiment_(experiment), schedule_(schedule), stop_(stop) {}

  // Answers, grades, and predicts `continuation` (its own answer if empty). Nothing when stopped.
  std::optional<Answered> answer(chat::ChatModel& model, chat::Scorer& scorer,
                                 const store::ItemRow& item,
                                 const std::optional<std::string>& continuation, int tokens) const {
    const Pictures pictures = load_pictures(item);
    if (const auto* failure = std::get_if<chat::Failure>(&pictures))
      return Answered{.text = {}, .failure = failure->message, .predictions = {}};
    const chat::Request request = make_request(item, std::get<std::vector<chat::Image>>(pictures),
                                               experiment_.generation, experiment_.seed);
    const std::optional<chat::Outcome> outcome = ask(model, request, stop_);
    if (!outcome) return std::nullopt;
    if (const auto* failure = std::get_if<chat::Failure>(&*outcome))
      return Answered{.text = {}, .failure = failure->message, .predictions = {}};
    Answered answered;
    answered.text = std::get<chat::Completion>(*outcome).text;
    const graders::Grade grade = graders::grade(item.question, scenario_of(schedule_, item).graded,
                                                *outcome, experiment_.judgement.cutoffs);
    answered.right = grade.verdict == graders::Verdict::full;
    const std::string& predicted = continuation ? *continuation : answered.text;
    if (predicted.empty()) return answered;
    try {
      answered.predictions = scorer
                                 .score({.turns = request.turns,
                                         .continuation = predicted,
                                         .top = 0,
                                         .distributions = tokens})
                                 .distributions;
    } catch (const Error& error) {
      answered.failure = error.what();
    }
    return answered;
  }

 private:
  const Experiment& experiment_;
  const Schedule& schedule_;
  const std::atomic<bool>& stop_;
};

int64_t bytes_of(const Answered& answered) {
  int64_t bytes = 0;
  for (const std::vector<float>& one : answered.predictions)
    bytes += static_cast<int64_t>(one.size() * sizeof(float));
  return bytes;
}

chat::Scorer& scorer_of(chat::ModelHost& host, chat::ChatModel& model, const Provider& provider) {
  chat::Scorer* scorer = host.scorer(model);
  require(scorer != nullptr, "model '", provider.model, "' does not give log-probabilities");
  return *scorer;
}

// Takes the answers of several requests that run at once.
class Collector : public chat::Sink {
 public:
  void on_text(std::string_view) override {}
  void on_done(chat::Outcome outcome) override {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    done_.notify_one();
  }
  chat::Outcome wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return outcome_.has_value(); });
    return std::move(*outcome_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::optional<chat::Outcome> outcome_;
};

}  // namespace

Fidelities measure_fidelity(const Experiment& experiment, const Schedule& schedule,
                            chat::ModelHost& host, size_t limit, int tokens,
                            const std::atomic<bool>& stop, const Say& say) {
  const Provider& model_provider = experiment.providers.at(0);
  const Provider& reference_provider = experiment.providers.at(1);
  const Asker asker(experiment, schedule, stop);
  const size_t count = std::min(limit, schedule.items.size());
  Fidelities out;
  std::vector<Answered> references;
  {
    say("loading " + reference_provider.label);
    chat::ChatModel& reference = host.open(reference_provider.model, reference_provider.options);
    chat::Scorer& scorer = scorer_of(host, reference, reference_provider);
    out.reference = reference.facts();
    int64_t kept = 0;
    for (size_t i = 0; i < count && !stop; ++i) {
      auto answered = asker.answer(reference, scorer, schedule.items[i], std::nullopt, tokens);
      if (!answered) break;
      kept += bytes_of(*answered);
      require(kept <= kMostKeptBytes, "the predictions of ", i + 1, " questions take ", kept,
              " bytes, wanted at most ", kMostKeptBytes, "; lower --items or --tokens");
      references.push_back(std::move(*answered));
    }
    host.close(reference);
  }
  say("loading " + model_provider.label);
  chat::ChatModel& model = host.open(model_provider.model, model_provider.options);
  chat::Scorer& scorer = scorer_of(host, model, model_provider);
  out.model = model.facts();
  require(out.model.weights_sha256 == out.reference.weights_sha256, "'", model_provider.model,
          "' and '", reference_provider.model, "' are not the same checkpoint (",
          out.model.weights_sha256, ", ", out.reference.weights_sha256, ")");
  std::map<std::string, int64_t> clusters;
  for (size_t i = 0; i < references.size() && !stop; ++i) {
    const store::ItemRow& item = schedule.items[i];
    const Answered& reference = references[i];
    const auto answered = asker.answer(model, scorer, item, reference.text, tokens);
    if (!answered) break;
    const suites::Question& question = item.question;
    const std::string cluster = std::to_string(item.suite) + "/" +
                                (question.cluster.empty() ? question.id : question.cluster);
    Fidelities::Item row{
        .cluster = clusters.emplace(cluster, static_cast<int64_t>(clusters.size())).first->second,
        .same_text = answered->text == reference.text,
        .graded = scenario_of(schedule, item).graded,
        .right = answered->right,
        .reference_right = reference.right,
        .failure = answered->failure.empty() ? reference.failure : answered->failure};
    const size_t both = std::min(answered->predictions.size(), reference.predictions.size());
    for (size_t t = 0; t < both && row.failure.empty(); ++t) {
      row.divergences.push_back(
          stats::divergence(reference.predictions[t], answered->predictions[t]));
      row.same_choices.push_back(
          stats::same_choice(reference.predictions[t], answered->predictions[t]));
    }
    out.items.push_back(std::move(row));
  }
  return out;
}

BatchInvariance measure_batch_invariance(const Experiment& experiment, const Schedule& schedule,
                                         chat::ModelHost& host, size_t limit, int64_t batch,
                                         const std::atomic<bool>& stop) {
  const Provider& provider = experiment.providers.at(0);
  chat::ChatModel& model = host.open(provider.model, provider.options);
  BatchInvariance out{.batch = batch, .different = {}};
  const size_t count = std::min(limit, schedule.items.size());
  for (size_t begin = 0; begin < count && !stop; begin += static_cast<size_t>(batch)) {
    const size_t end = std::min(count, begin + static_cast<size_t>(batch));
    std::vector<chat::Request> requests;
    std::vector<const store::ItemRow*> items;
    for (size_t i = begin; i < end; ++i) {
      const Pictures pictures = load_pictures(schedule.items[i]);
      ++out.asked;
      if (std::holds_alternative<chat::Failure>(pictures)) {
        ++out.failed;
        continue;
      }
      requests.push_back(make_request(schedule.items[i],
                                      std::get<std::vector<chat::Image>>(pictures),
                                      experiment.generation, experiment.seed));
      items.push_back(&schedule.items[i]);
    }
    std::vector<chat::Outcome> alone;
    for (const chat::Request& request : requests) alone.push_back(chat::complete(model, request));
    std::vector<std::unique_ptr<Collector>> sinks;
    for (const chat::Request& request : requests) {
      sinks.push_back(std::make_unique<Collector>());
      model.submit(request, *sinks.back());
    }
    for (size_t i = 0; i < items.size(); ++i) {
      const chat::Outcome together = sinks[i]->wait();
      const auto* a = std::get_if<chat::Completion>(&alone[i]);
      const auto* b = std::get_if<chat::Completion>(&together);
      if (a == nullptr || b == nullptr)
        ++out.failed;
      else if (a->token_ids != b->token_ids || a->text != b->text)
        out.different.push_back(items[i]->question.id);
    }
  }
  return out;
}

}  // namespace visavis::runner
