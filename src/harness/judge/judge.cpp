#include "harness/judge/judge.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/cost/tokens.h"
#include "harness/judge/prompts.h"
#include "harness/runner/ask.h"
#include "harness/runner/flight.h"
#include "harness/store/codec.h"

namespace visavis::judge {
namespace {

constexpr int kMaxTokens = 1024;  // a verdict is short, thinking before it is not
constexpr std::chrono::milliseconds kPollInterval{20};
constexpr const char* kSameText = "the two answers are the same text";

struct Work {
  store::JudgementRow row;  // without outcome
  std::string prompt;
};

class Judging {
 public:
  Judging(store::Store& store, chat::ChatModel& judge, const std::atomic<bool>& stop,
          runner::Progress& progress)
      : store_(store),
        judge_(judge),
        stop_(stop),
        progress_(progress),
        run_(store.read_all()),
        plan_(run_.run.judgement.judge) {
    for (const store::JudgementRow& row : run_.judgements) {
      if (row.outcome == "failed") continue;
      known_.emplace(row.content_key, row);
      there_.emplace(place_of(row), row.content_key);
    }
  }

  Judged run() {
    std::vector<Work> work;
    for (const store::ItemRow& item : run_.items) add_item(item, work);
    progress_.note("judging: " + std::to_string(work.size()) + " replies wanted of " +
                   plan_.provider + ", " + std::to_string(judged_.known) + " known");
    ask_all(work);
    return judged_;
  }

 private:
  using Place = std::tuple<std::string, int64_t, int64_t, int64_t>;

  // Of this judge: replies of others count as known only if they are the same question to it.
  Place place_of(const store::JudgementRow& row) const {
    return {row.kind + " " + row.judge, row.item, row.first, row.second};
  }

  store::JudgementRow row_of(const char* kind, int64_t item, int64_t first, int64_t second) const {
    store::JudgementRow row;
    row.kind = kind;
    row.item = item;
    row.first = first;
    row.second = second;
    row.judge = plan_.provider;
    return row;
  }

  bool is_wanted(const store::ItemRow& item) const {
    const std::vector<std::string>& only = plan_.scenarios;
    return only.empty() ||
           std::find(only.begin(), only.end(), item.question.scenario) != only.end();
  }

  void add_item(const store::ItemRow& item, std::vector<Work>& work) {
    if (!is_wanted(item) && item.question.grader != "judge") return;
    std::vector<const store::AnswerRow*> answers;
    for (const store::AnswerRow& answer : run_.answers)
      if (answer.item == item.id && answer.failure.empty()) answers.push_back(&answer);
    const bool pairs = plan_.pairs && is_wanted(item);
    if (plan_.rubric || item.question.grader == "judge")
      for (const store::AnswerRow* answer : answers)
        add(row_of("rubric", item.id, answer->model, -1),
            rubric_prompt(item.question, answer->text), item, work);
    for (const store::AnswerRow* a : answers)
      for (const store::AnswerRow* b : answers)
        if (pairs && a->model != b->model)
          add(row_of("pair", item.id, a->model, b->model),
              base::trim(a->text) == base::trim(b->text)
                  ? std::string()
                  : pair_prompt(item.question, a->text, b->text),
              item, work);
  }

  // An empty prompt needs no judge: the answers are the same.
  void add(store::JudgementRow row, std::string prompt, const store::ItemRow& item,
           std::vector<Work>& work) {
    row.content_key =
        base::sha256_hex(base::dump_json({{"judge", plan_.provider},
                                          {"weights", judge_.facts().weights_sha256},
                                          {"options", store::options_json(plan_.options)},
                                          {"prompt", prompt},
                                          {"pictures", item.picture_sha256}}));
    const auto there = there_.find(place_of(row));
    if (there != there_.end() && there->second == row.content_key) {
      ++judged_.known;
      return;
    }
    if (prompt.empty()) {
      row.outcome = "tie";
      row.reply = kSameText;
      row.cost = 0;
      row.given_at = base::utc_timestamp();
      store_.add_judgement(row);
      return;
    }
    if (const auto known = known_.find(row.content_key); known != known_.end()) {
      take(row, known->second);
      return;
    }
    work.push_back({std::move(row), std::move(prompt)});
  }

  // The reply to the same question to the judge, which two models' equal answers lead to.
  void take(store::JudgementRow row, const store::JudgementRow& known) {
    row.outcome = known.outcome;
    row.reply = known.reply;
    row.reused = true;
    row.given_at = known.given_at;
    store_.add_judgement(row);
    ++judged_.known;
  }

  void ask_all(const std::vector<Work>& work) {
    runner::Flight flight;
    const int most = std::max(1, judge_.facts().parallel);
    std::vector<int64_t> begun_ns(work.size());
    size_t next = 0;
    while (next < work.size() || !flight.is_empty()) {
      if (stop_) {
        judged_.stopped = true;
        flight.cancel_all();
        next = work.size();
      }
      while (next < work.size() && flight.count(0) < most) {
        begun_ns[next] = base::steady_clock().now_ns();
        ask(flight, work[next], next);
        ++next;
      }
      const std::optional<runner::Flight::Landed> landed = flight.wait(kPollInterval);
      if (!landed) continue;
      const double seconds =
          base::seconds_between(begun_ns[landed->item], base::steady_clock().now_ns());
      keep(work[landed->item], landed->outcome, seconds);
    }
  }

  void ask(runner::Flight& flight, const Work& work, size_t place) {
    if (const auto known = known_.find(work.row.content_key); known != known_.end()) {
      take(work.row, known->second);  // answered since the work was listed
      return;
    }
    const store::ItemRow& item = run_.items.at(static_cast<size_t>(work.row.item));
    const runner::Pictures pictures = runner::load_pictures(item);
    if (const auto* failure = std::get_if<chat::Failure>(&pictures)) {
      keep(work, *failure, 0);
      return;
    }
    store::ItemRow asked = item;
    asked.question.question = work.prompt;
    asked.max_tokens = kMaxTokens;
    chat::Request request = runner::make_request(asked, std::get<std::vector<chat::Part>>(pictures),
                                                 runner::Generation{}, run_.run.seed);
    request.reuse = true;  // nobody times a judge, and the pictures repeat
    flight.start(judge_, std::move(request), 0, place);
  }

  void keep(const Work& work, const chat::Outcome& outcome, double seconds) {
    store::JudgementRow row = work.row;
    row.seconds = seconds;
    row.given_at = base::utc_timestamp();
    if (const auto* failure = std::get_if<chat::Failure>(&outcome)) {
      row.outcome = "failed";
      row.reply = failure->message;
      ++judged_.failed;
      store_.add_judgement(row);
      return;
    }
    const auto& completion = std::get<chat::Completion>(outcome);
    if (completion.finish == chat::Finish::cancelled) return;
    ++judged_.asked;
    row.reply = completion.text;
    row.prompt_tokens = completion.usage.prompt_tokens;
    row.completion_tokens = completion.usage.completion_tokens;
    row.cost = cost::token_cost(judge_.facts(), completion.usage).value_or(-1);
    const std::optional<std::string> word =
        row.kind == "pair" ? read_pair(row.reply) : read_rubric(row.reply);
    row.outcome = word.value_or("unparsed");
    judged_.unparsed += word ? 0 : 1;
    store_.add_judgement(row);
    known_.emplace(row.content_key, row);
  }

  store::Store& store_;
  chat::ChatModel& judge_;
  const std::atomic<bool>& stop_;
  runner::Progress& progress_;
  store::RunData run_;
  const store::JudgePlan& plan_;
  std::map<std::string, store::JudgementRow> known_;  // by content
  std::map<Place, std::string> there_;                // content of what is stored at a place
  Judged judged_;
};

struct Worth {
  const char* outcome;
  graders::Verdict verdict;
  double score;
};

constexpr Worth kWorths[] = {{"full", graders::Verdict::full, 1},
                             {"partial", graders::Verdict::partial, 0.5},
                             {"wrong", graders::Verdict::wrong, 0}};

}  // namespace

Judged judge_run(store::Store& store, chat::ChatModel& judge, const std::atomic<bool>& stop,
                 runner::Progress& progress) {
  return Judging(store, judge, stop, progress).run();
}

std::vector<store::GradeRow> with_judgements(const store::RunData& run,
                                             std::vector<store::GradeRow> grades) {
  std::map<std::pair<int64_t, int64_t>, std::string> outcomes;
  for (const store::JudgementRow& row : run.judgements)
    if (row.kind == "rubric" && row.judge == run.run.judgement.judge.provider)
      outcomes[{row.first, row.item}] = row.outcome;
  for (store::GradeRow& grade : grades) {
    if (grade.grade.rule != graders::kJudgePending) continue;
    const auto found = outcomes.find({grade.model, grade.item});
    if (found == outcomes.end()) continue;
    grade.grade.rule = "judge." + found->second;
    for (const Worth& worth : kWorths) {
      if (found->second != worth.outcome) continue;
      grade.grade.verdict = worth.verdict;
      grade.grade.score = worth.score;
    }
  }
  return grades;
}

}  // namespace visavis::judge
