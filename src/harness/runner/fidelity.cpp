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

namespace visavis::runner {
namespace {

// Whole predictions are kept in memory between the two models.
constexpr int64_t kMostKeptBytes = int64_t{4} << 30;
// Of every layer and traced question: 20 MB for 36 layers of 4096.
constexpr int64_t kLayerRows = 32;
constexpr size_t kOpeningBytes = 384;
constexpr size_t kTokenBytes = 6;

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
  chat::Score score = {};  // of the reference's answer, or of the text
};

class Asker {
 public:
  Asker(const Experiment& experiment, const Schedule& schedule, const FidelityOptions& options,
        const std::atomic<bool>& stop)
      : experiment_(experiment), schedule_(schedule), options_(options), stop_(stop) {}

  size_t count() const {
    return std::min(options_.limit,
                    options_.texts.empty() ? schedule_.items.size() : options_.texts.size());
  }

  // Answers, grades, and predicts `continuation` (its own answer if empty). Nothing when stopped.
  std::optional<Answered> answer(chat::ChatModel& model, chat::Scorer& scorer, size_t index,
                                 const std::optional<std::string>& continuation) const {
    if (!options_.texts.empty()) {
      const TextPiece& piece = options_.texts[index];
      Answered read;
      score(scorer,
            {.turns = {{.parts = {chat::Text{piece.opening}}}},
             .plain = true,
             .continuation = piece.continuation},
            index, read);
      return read;
    }
    const store::ItemRow& item = schedule_.items[index];
    const Pictures pictures = load_pictures(item);
    if (const auto* failure = std::get_if<chat::Failure>(&pictures))
      return Answered{.text = {}, .failure = failure->message};
    const chat::Request request = make_request(item, std::get<std::vector<chat::Part>>(pictures),
                                               experiment_.generation, experiment_.seed);
    const std::optional<chat::Outcome> outcome = ask(model, request, stop_);
    if (!outcome) return std::nullopt;
    if (const auto* failure = std::get_if<chat::Failure>(&*outcome))
      return Answered{.text = {}, .failure = failure->message};
    Answered answered;
    answered.text = std::get<chat::Completion>(*outcome).text;
    const graders::Grade grade = graders::grade(item.question, scenario_of(schedule_, item).graded,
                                                *outcome, experiment_.judgement.cutoffs);
    answered.right = grade.verdict == graders::Verdict::full;
    const std::string& predicted = continuation ? *continuation : answered.text;
    if (!predicted.empty())
      score(scorer, {.turns = request.turns, .continuation = predicted}, index, answered);
    return answered;
  }

 private:
  void score(chat::Scorer& scorer, chat::ScoreRequest request, size_t index,
             Answered& answered) const {
    request.top = 0;
    request.distributions = options_.tokens;
    request.layer_rows = index < options_.traced ? kLayerRows : 0;
    try {
      answered.score = scorer.score(request);
    } catch (const Error& error) {
      answered.failure = error.what();
    }
  }

  const Experiment& experiment_;
  const Schedule& schedule_;
  const FidelityOptions& options_;
  const std::atomic<bool>& stop_;
};

int64_t bytes_of(const Answered& answered) {
  size_t values = 0;
  for (const std::vector<float>& one : answered.score.distributions) values += one.size();
  for (const chat::LayerRows& layer : answered.score.layers) values += layer.values.size();
  return static_cast<int64_t>(values * sizeof(float));
}

// Both have read the same tokens, else nothing that they predict can be compared.
void require_same_tokens(const chat::Score& model, const chat::Score& reference,
                         const Fidelities& of) {
  require(model.prompt_token_ids == reference.prompt_token_ids &&
              model.continuation_ids == reference.continuation_ids,
          "'", of.model.name, "' and '", of.reference.name,
          "' read a question as different tokens (", model.prompt_token_ids.size(), " and ",
          reference.prompt_token_ids.size(), " of the prompt, ", model.continuation_ids.size(),
          " and ", reference.continuation_ids.size(),
          " of the answer); wanted one model at two precisions");
  for (size_t t = 0; t < std::min(model.distributions.size(), reference.distributions.size()); ++t)
    require(model.distributions[t].size() == reference.distributions[t].size(), "'", of.model.name,
            "' predicts ", model.distributions[t].size(), " tokens and '", of.reference.name, "' ",
            reference.distributions[t].size(), "; wanted one model at two precisions");
}

// Adds what one question tells of the layers.
void add_layers(const std::vector<chat::LayerRows>& model,
                const std::vector<chat::LayerRows>& reference, Fidelities& to) {
  require(model.size() == reference.size(), "'", to.model.name, "' ran ", model.size(),
          " layers for a question and '", to.reference.name, "' ", reference.size(),
          "; wanted one model at two precisions");
  // A question without pictures runs no layer of the tower.
  size_t at = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const std::string& name = reference[i].name;
    require(model[i].values.size() == reference[i].values.size(), "layer '", name, "' put out ",
            model[i].values.size(), " values in '", to.model.name, "' and ",
            reference[i].values.size(), " in '", to.reference.name,
            "'; wanted one model at two precisions");
    const auto known =
        std::find_if(to.layers.begin(), to.layers.end(),
                     [&name](const Fidelities::Layer& layer) { return layer.name == name; });
    if (known == to.layers.end())
      to.layers.insert(to.layers.begin() + static_cast<std::ptrdiff_t>(at),
                       {.name = name, .error = {}});
    else
      at = static_cast<size_t>(known - to.layers.begin());
    to.layers[at].error.add(reference[i].values, model[i].values);
    ++at;
  }
}

// What one question tells of the predictions.
void add_tokens(const chat::Score& model, const chat::Score& reference, Fidelities::Item& to) {
  const size_t both = std::min(model.distributions.size(), reference.distributions.size());
  for (size_t t = 0; t < both; ++t) {
    const std::vector<float>& ours = model.distributions[t];
    const std::vector<float>& wanted = reference.distributions[t];
    to.divergences.push_back(stats::divergence(wanted, ours));
    to.same_choices.push_back(stats::same_choice(wanted, ours));
    to.surprises.push_back(-static_cast<double>(model.continuation_logprobs[t]));
    to.reference_surprises.push_back(-static_cast<double>(reference.continuation_logprobs[t]));
  }
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

std::vector<TextPiece> text_pieces(const std::string& text, int tokens) {
  // The last place at most so far behind `begin` where a word ends, or else a character.
  const auto cut = [&text](size_t begin, size_t bytes) {
    if (text.size() - begin <= bytes) return text.size();
    const size_t most = begin + bytes;
    const size_t space = text.find_last_of(" \n", most);
    if (space != std::string::npos && space > begin + bytes / 2) return space;
    size_t end = most;
    while (end > begin + 1 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
    return end;
  };
  std::vector<TextPiece> pieces;
  for (size_t begin = 0; begin < text.size();) {
    const size_t middle = cut(begin, kOpeningBytes);
    if (middle == text.size()) break;  // nothing to predict behind it
    const size_t end = cut(middle, kTokenBytes * static_cast<size_t>(tokens));
    pieces.push_back({text.substr(begin, middle - begin), text.substr(middle, end - middle)});
    begin = end;
  }
  return pieces;
}

Fidelities measure_fidelity(const Experiment& experiment, const Schedule& schedule,
                            chat::ModelHost& host, const FidelityOptions& options,
                            const std::atomic<bool>& stop, const Say& say) {
  const Provider& model_provider = experiment.providers.at(0);
  const Provider& reference_provider = experiment.providers.at(1);
  const Asker asker(experiment, schedule, options, stop);
  Fidelities out;
  std::vector<Answered> references;
  {
    say("loading " + reference_provider.label);
    chat::ChatModel& reference = host.open(reference_provider.model, reference_provider.options);
    chat::Scorer& scorer = scorer_of(host, reference, reference_provider);
    out.reference = reference.facts();
    int64_t kept = 0;
    for (size_t i = 0; i < asker.count() && !stop; ++i) {
      auto answered = asker.answer(reference, scorer, i, std::nullopt);
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
  std::map<std::string, int64_t> clusters;
  for (size_t i = 0; i < references.size() && !stop; ++i) {
    Answered& reference = references[i];
    const auto answered = asker.answer(model, scorer, i, reference.text);
    if (!answered) break;
    Fidelities::Item row{
        .cluster = static_cast<int64_t>(i),
        .failure = answered->failure.empty() ? reference.failure : answered->failure};
    if (options.texts.empty()) {
      const store::ItemRow& item = schedule.items[i];
      const suites::Question& question = item.question;
      const std::string cluster = std::to_string(item.suite) + "/" +
                                  (question.cluster.empty() ? question.id : question.cluster);
      row.cluster = clusters.emplace(cluster, static_cast<int64_t>(clusters.size())).first->second;
      row.same_text = answered->text == reference.text;
      row.graded = scenario_of(schedule, item).graded;
      row.right = answered->right;
      row.reference_right = reference.right;
    }
    if (row.failure.empty()) {
      require_same_tokens(answered->score, reference.score, out);
      add_layers(answered->score.layers, reference.score.layers, out);
      add_tokens(answered->score, reference.score, row);
    }
    reference.score = {};
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
                                      std::get<std::vector<chat::Part>>(pictures),
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
