#include "harness/plan/forecast.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/json.h"
#include "harness/cost/cost.h"
#include "harness/stats/clustered.h"
#include "harness/stats/planning.h"

namespace visavis::plan {
namespace {

constexpr size_t kLeastPairs = 20;  // fewer say nothing about how often two models disagree

struct Sample {
  std::vector<double> seconds;

  double mean() const { return *stats::mean(seconds); }
  double variance() const {
    const double middle = mean();
    double sum = 0;
    for (const double x : seconds) sum += (x - middle) * (x - middle);
    return sum / static_cast<double>(seconds.size() - 1);
  }
};

// Seconds of what is asked beside the measured questions, a few samples only.
struct Extra {
  double seconds = 0;
  int64_t count = 0;

  void add(double each) {
    if (each < 0) return;
    seconds += each;
    ++count;
  }
  double mean_or(double otherwise) const {
    return count > 0 ? seconds / static_cast<double>(count) : otherwise;
  }
};

// What earlier runs tell about one model. Keys are "suite", "suite/scenario" and "" for all.
struct Known {
  std::map<std::string, Sample> by_place;
  std::optional<double> load_seconds;
  std::optional<chat::Memory> memory;
  double rest_seconds = 0;  // per answer: grading, storing, reading pictures
  int64_t rest_answers = 0;
  Extra warmup;
  // Of a question asked again and of its measured answer: few pictures may be large or small ones,
  // so the forecast takes the ratio.
  double revisit_seconds = 0;
  double revisited_seconds = 0;
  Extra fixed_length;
};

std::string suite_of(const store::RunData& run, const store::ItemRow& item) {
  return run.suites.at(static_cast<size_t>(item.suite)).name;
}

bool same_model(const store::ModelRow& a, const store::ModelRow& b) {
  return a.provider == b.provider && a.options == b.options;
}

// Of the answer that was asked for again.
double measured_seconds(const store::RunData& run, const store::RevisitRow& row) {
  const auto answer =
      std::find_if(run.answers.begin(), run.answers.end(), [&](const store::AnswerRow& candidate) {
        return candidate.model == row.model && candidate.item == row.item;
      });
  return answer == run.answers.end() ? 0 : std::max(0.0, answer->timing.e2e);
}

// Seconds of the run that are neither loading, warming up nor answering, per answer.
double rest_per_answer(const store::RunData& run) {
  double rest = 0;
  for (const store::SessionRow& session : run.sessions)
    rest += session.wall_seconds - session.load_seconds - session.warmup_seconds;
  for (const store::AnswerRow& answer : run.answers) rest -= std::max(0.0, answer.timing.e2e);
  for (const store::RevisitRow& row : run.revisits) rest -= std::max(0.0, row.wall);
  for (const store::FixedLengthRow& row : run.fixed_lengths) rest -= std::max(0.0, row.e2e);
  return std::max(0.0, rest / static_cast<double>(run.answers.size()));
}

Known known_of(const store::ModelRow& model, const std::string& machine,
               std::span<const store::RunData> earlier) {
  Known known;
  for (const store::RunData& run : earlier) {
    if (!same_machine(machine, run.run.machine) || run.answers.empty()) continue;
    for (const store::ModelRow& candidate : run.models) {
      if (!same_model(candidate, model) || candidate.facts.name.empty()) continue;
      known.load_seconds = candidate.facts.load_seconds;
      known.memory = candidate.facts.memory;
      int64_t count = 0;
      for (const store::AnswerRow& answer : run.answers) {
        if (answer.model != candidate.id || answer.timing.e2e < 0) continue;
        const store::ItemRow& item = run.items.at(static_cast<size_t>(answer.item));
        const std::string suite = suite_of(run, item);
        for (const std::string& place :
             {std::string(), suite, suite + "/" + item.question.scenario})
          known.by_place[place].seconds.push_back(answer.timing.e2e);
        ++count;
      }
      known.rest_seconds += static_cast<double>(count) * rest_per_answer(run);
      known.rest_answers += count;
      for (const store::WarmupRow& row : run.warmups)
        if (row.model == candidate.id) known.warmup.add(row.e2e);
      for (const store::RevisitRow& row : run.revisits) {
        if (row.model != candidate.id || row.wall < 0) continue;
        known.revisit_seconds += row.wall;
        known.revisited_seconds += measured_seconds(run, row);
      }
      for (const store::FixedLengthRow& row : run.fixed_lengths)
        if (row.model == candidate.id) known.fixed_length.add(row.e2e);
    }
  }
  return known;
}

// Mean of several questions' seconds, with the variance of their sum around the forecast: of the
// mean that was measured, and of the questions themselves. Welch and Satterthwaite's degrees.
class Sum {
 public:
  void add(double count, const Sample& sample, double spare_variance) {
    const auto n = static_cast<double>(sample.seconds.size());
    const double variance = n > 1 ? sample.variance() : spare_variance;
    value_ += count * sample.mean();
    const double of_mean = count * count * variance / n;
    variance_ += of_mean + count * variance;
    if (of_mean > 0) degrees_below_ += of_mean * of_mean / std::max(1.0, n - 1);
    of_means_ += of_mean;
  }
  void add_certain(double seconds) { value_ += seconds; }
  void add(const Sum& other) {
    value_ += other.value_;
    variance_ += other.variance_;
    of_means_ += other.of_means_;
    degrees_below_ += other.degrees_below_;
  }

  Range range() const {
    const double degrees = degrees_below_ > 0 ? of_means_ * of_means_ / degrees_below_ : 1e6;
    const double half =
        stats::student_quantile(0.975, std::max(1.0, degrees)) * std::sqrt(variance_);
    return {std::max(0.0, value_ - half), value_, value_ + half};
  }

 private:
  double value_ = 0;
  double variance_ = 0;
  double of_means_ = 0;
  double degrees_below_ = 0;
};

Range times(const Range& range, double factor) {
  return {range.low * factor, range.value * factor, range.high * factor};
}

struct Planned {
  Sum questions;           // seconds of all that are planned
  bool elsewhere = false;  // some of it from other questions' times
};

// The seconds of the task's first `count` questions.
Planned seconds_of(const Task& task, const Known& known, int64_t count) {
  std::map<std::string, int64_t> strata;
  for (const store::ItemRow& item : task.items) {
    if (item.id >= count) continue;
    ++strata[task.suites.at(static_cast<size_t>(item.suite)).name + "/" + item.question.scenario];
  }
  const Sample& all = known.by_place.at("");
  const double spread = all.seconds.size() > 1 ? all.variance() : all.mean() * all.mean();
  // Scenarios without times of their own share those of their suite: one sample, one error.
  std::map<std::string, int64_t> by_place;
  Planned planned;
  for (const auto& [place, questions] : strata) {
    const std::string suite = place.substr(0, place.find('/'));
    if (known.by_place.contains(place)) {
      by_place[place] += questions;
    } else if (known.by_place.contains(suite)) {
      by_place[suite] += questions;
    } else {
      by_place[""] += questions;
      planned.elsewhere = true;
    }
  }
  for (const auto& [place, questions] : by_place)
    planned.questions.add(static_cast<double>(questions), known.by_place.at(place), spread);
  return planned;
}

std::string cluster_of(const store::ItemRow& item) {
  const suites::Question& question = item.question;
  return std::to_string(item.suite) + "/" +
         (question.cluster.empty() ? question.id : question.cluster);
}

// The standard error per question of the difference of two models, times the root of the number,
// as earlier runs with both found it.
std::optional<double> spread_before(const Task& task, std::span<const store::RunData> earlier) {
  if (task.models.size() < 2) return std::nullopt;
  std::optional<double> largest;
  for (const store::RunData& run : earlier) {
    std::vector<int64_t> ids;
    for (const store::ModelRow& wanted : task.models)
      for (const store::ModelRow& model : run.models)
        if (same_model(model, wanted)) ids.push_back(model.id);
    if (ids.size() < 2) continue;
    std::map<int64_t, std::map<int64_t, double>> right;  // by item and model
    for (const store::GradeRow& grade : run.grades) {
      const store::ItemRow& item = run.items.at(static_cast<size_t>(grade.item));
      if (run.scenario_of(item).graded)
        right[grade.item][grade.model] = grade.grade.verdict == graders::Verdict::full ? 1 : 0;
    }
    std::map<std::string, int64_t> numbers;
    std::vector<double> differences;
    std::vector<int64_t> clusters;
    for (const auto& [item, models] : right) {
      if (!models.contains(ids[0]) || !models.contains(ids[1])) continue;
      differences.push_back(models.at(ids[0]) - models.at(ids[1]));
      const std::string cluster = cluster_of(run.items.at(static_cast<size_t>(item)));
      clusters.push_back(
          numbers.emplace(cluster, static_cast<int64_t>(numbers.size())).first->second);
    }
    if (differences.size() < kLeastPairs) continue;
    const double error = stats::clustered_mean(differences, clusters).error;
    if (error > 0)
      largest =
          std::max(largest.value_or(0), error * std::sqrt(static_cast<double>(differences.size())));
  }
  return largest;
}

Detectable detectable_of(const std::string& name, int64_t questions,
                         const std::set<std::string>& groups, std::optional<double> spread) {
  Detectable found{.name = name,
                   .questions = questions,
                   .groups = static_cast<int64_t>(groups.size()),
                   .from_runs = spread.has_value()};
  const auto n = static_cast<double>(questions);
  if (spread) {
    found.low = found.high = stats::detectable_difference(*spread / std::sqrt(n));
    return found;
  }
  const double each = n / static_cast<double>(groups.size());
  const double effective = n / (1 + (each - 1) * kAssumedCorrelation);
  found.low = stats::detectable_difference(kLeastDiscordance, effective);
  found.high = stats::detectable_difference(kMostDiscordance, effective);
  return found;
}

}  // namespace

bool same_machine(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return true;
  const base::Json left = base::Json::parse(a, nullptr, false);
  const base::Json right = base::Json::parse(b, nullptr, false);
  if (!left.is_object() || !right.is_object()) return false;
  for (const char* key : {"cpu", "cores"})
    if (left.value(key, base::Json()) != right.value(key, base::Json())) return false;
  const auto cards = [](const base::Json& machine) {
    std::vector<std::string> names;
    if (!machine.contains("gpus")) return names;
    for (const base::Json& card : machine["gpus"])
      if (card.is_object()) names.push_back(card.value("name", std::string()));
    return names;
  };
  return cards(left) == cards(right);
}

std::vector<Detectable> detectable(const Task& task, std::span<const store::RunData> earlier) {
  const std::optional<double> spread = spread_before(task, earlier);
  const int64_t most =
      task.limits.max_items > 0 ? task.limits.max_items : static_cast<int64_t>(task.items.size());
  std::map<std::string, std::pair<int64_t, std::set<std::string>>> strata;
  std::pair<int64_t, std::set<std::string>> all;
  for (const store::ItemRow& item : task.items) {
    if (item.id >= most) continue;
    const store::SuiteRow& suite = task.suites.at(static_cast<size_t>(item.suite));
    const bool graded =
        std::any_of(suite.scenarios.begin(), suite.scenarios.end(), [&](const auto& scenario) {
          return scenario.id == item.question.scenario && scenario.graded;
        });
    if (!graded) continue;
    for (auto* place : {&all, &strata[suite.name + "/" + item.question.scenario]}) {
      ++place->first;
      place->second.insert(cluster_of(item));
    }
  }
  std::vector<Detectable> out;
  if (all.first == 0) return out;
  out.push_back(detectable_of("all", all.first, all.second, spread));
  for (const auto& [name, place] : strata)
    out.push_back(detectable_of(name, place.first, place.second, spread));
  return out;
}

Forecast forecast(const Task& task, std::span<const store::RunData> earlier) {
  Forecast out;
  const store::Limits& limits = task.limits;
  out.questions = static_cast<int64_t>(task.items.size());
  if (limits.max_items > 0) out.questions = std::min(out.questions, limits.max_items);
  const auto questions = static_cast<double>(out.questions);
  Sum total;
  double fixed = 0;  // seconds that do not depend on how many questions are asked
  bool known_all = out.questions > 0;
  bool elsewhere = false;
  for (const store::ModelRow& model : task.models) {
    const Known known = known_of(model, task.machine, earlier);
    ModelForecast& one = out.models.emplace_back();
    one.label = model.label;
    one.load_seconds = known.load_seconds;
    one.memory = known.memory;
    if (!known.by_place.contains("") || out.questions == 0) {
      known_all = false;
      continue;
    }
    one.answers_known = static_cast<int64_t>(known.by_place.at("").seconds.size());
    const Planned planned = seconds_of(task, known, out.questions);
    elsewhere = elsewhere || planned.elsewhere;
    const Range all = planned.questions.range();
    one.question = times(all, 1 / questions);
    total.add(planned.questions);
    if (known.rest_answers > 0)
      total.add_certain(questions * known.rest_seconds / static_cast<double>(known.rest_answers));
    // What was never asked beside the questions takes about as long as they do.
    const double each = one.question->value;
    const double revisit =
        known.revisited_seconds > 0 ? each * known.revisit_seconds / known.revisited_seconds : each;
    fixed += known.load_seconds.value_or(0) + task.warmup * known.warmup.mean_or(each) +
             std::min<double>(task.revisits, questions) * revisit +
             std::min<double>(task.fixed_items, questions) * known.fixed_length.mean_or(each);
  }
  out.detectable = detectable(task, earlier);
  if (!known_all) return out;
  total.add_certain(fixed);
  const Range seconds = total.range();
  out.seconds = seconds;
  out.estimate = elsewhere || seconds.high - seconds.value > kPromise * seconds.value;
  if (limits.price_per_hour > 0)
    out.cost = times(seconds, cost::run_cost(limits.price_per_hour, 1));
  double most = 0;  // seconds that the limits allow; 0: all
  if (limits.max_seconds > 0) most = limits.max_seconds;
  if (limits.max_cost > 0) {
    const double bought = *cost::affordable_seconds(limits.price_per_hour, limits.max_cost);
    most = most > 0 ? std::min(most, bought) : bought;
    out.over_cost = seconds.value > bought;
  }
  out.over_time = limits.max_seconds > 0 && seconds.value > limits.max_seconds;
  if (most <= 0) return out;
  out.may_be_over = seconds.high > most;
  if (seconds.value > most) {
    const double each = (seconds.value - fixed) / questions;
    out.affordable = static_cast<int64_t>(std::max(0.0, (most - fixed) / each));
  }
  return out;
}

}  // namespace visavis::plan
