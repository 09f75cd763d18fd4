#include "harness/report/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/cost/cost.h"
#include "harness/cost/tokens.h"
#include "harness/report/advice.h"
#include "harness/report/method.h"
#include "harness/verdict/circular.h"
#include "harness/verdict/profiles.h"

namespace visavis::report {
namespace {

using graders::Verdict;

// answers[model][item], null where there is none; grades likewise.
struct Table {
  std::vector<std::vector<const store::AnswerRow*>> answers;
  std::vector<std::vector<const store::GradeRow*>> grades;
  std::vector<int64_t> clusters;  // of each item
};

Table index(const store::RunData& run) {
  Table table;
  table.answers.assign(run.models.size(), std::vector<const store::AnswerRow*>(run.items.size()));
  table.grades.assign(run.models.size(), std::vector<const store::GradeRow*>(run.items.size()));
  std::map<std::string, int64_t> numbers;
  for (const store::ItemRow& item : run.items)
    table.clusters.push_back(
        numbers.emplace(store::cluster_name(item), static_cast<int64_t>(numbers.size()))
            .first->second);
  for (const store::AnswerRow& answer : run.answers)
    table.answers[static_cast<size_t>(answer.model)][static_cast<size_t>(answer.item)] = &answer;
  for (const store::GradeRow& grade : run.grades)
    table.grades[static_cast<size_t>(grade.model)][static_cast<size_t>(grade.item)] = &grade;
  return table;
}

Quantiles quantiles(const std::vector<double>& sample) {
  const auto few = static_cast<int64_t>(sample.size()) < stats::observations_for_quantile(0.95);
  return {.p50 = stats::percentile(sample, 0.5),
          .p95 = stats::percentile(sample, 0.95),
          .p50_interval = stats::percentile_interval(sample, 0.5),
          .p95_interval = stats::percentile_interval(sample, 0.95),
          .p95_is_weak = few};
}

void count(Verdict verdict, Cell& cell) {
  switch (verdict) {
    case Verdict::full:
      ++cell.full;
      break;
    case Verdict::partial:
      ++cell.partial;
      break;
    case Verdict::wrong:
      ++cell.wrong;
      break;
    case Verdict::unparsed:
      ++cell.unparsed;
      break;
    case Verdict::refused:
      ++cell.refused;
      break;
    case Verdict::failed:
      ++cell.failed;
      break;
    case Verdict::shown:
      return;
  }
  ++cell.graded;
}

Cell make_cell(const store::RunData& run, const Table& table, size_t model,
               const std::vector<size_t>& items) {
  Cell cell;
  std::vector<int64_t> clusters;
  std::vector<double> paid_seconds, paid_right;  // of graded answers with a time
  std::vector<int64_t> paid_clusters;
  std::vector<double> scores, right, ttft, tpot, decode, resize, vision, prefill;
  double seconds = 0;
  double generating = 0;
  double token_cost = 0;
  int64_t priced = 0;
  int64_t characters = 0;
  int64_t tokens = 0;
  for (const size_t item : items) {
    ++cell.items;
    const store::AnswerRow* answer = table.answers[model][item];
    const store::GradeRow* grade = table.grades[model][item];
    if (answer == nullptr || grade == nullptr) continue;
    ++cell.answered;
    if (run.scenario_of(run.items[item]).graded && grade->grade.verdict != Verdict::shown) {
      count(grade->grade.verdict, cell);
      scores.push_back(grade->grade.score);
      right.push_back(grade->grade.verdict == Verdict::full ? 1 : 0);
      clusters.push_back(table.clusters[item]);
    }
    if (!answer->failure.empty()) continue;
    const chat::Timing& timing = answer->timing;
    const auto add = [](std::vector<double>& sample, double value) {
      if (value >= 0) sample.push_back(value);
    };
    add(ttft, timing.ttft);
    add(tpot, timing.tpot);
    add(decode, timing.image_decode);
    add(resize, timing.image_resize);
    add(vision, timing.vision);
    add(prefill, timing.prefill);
    if (const auto money = cost::token_cost(run.models[model].facts, answer->usage)) {
      token_cost += *money;
      ++priced;
    }
    if (timing.e2e < 0) continue;
    if (run.scenario_of(run.items[item]).graded) {
      paid_seconds.push_back(timing.e2e);
      paid_right.push_back(grade->grade.verdict == Verdict::full ? 1 : 0);
      paid_clusters.push_back(table.clusters[item]);
    }
    cell.e2e_all.push_back(timing.e2e);
    seconds += timing.e2e;
    characters += answer->characters;
    if (timing.ttft >= 0 && answer->usage.completion_tokens > 1) {
      generating += timing.e2e - timing.ttft;
      tokens += answer->usage.completion_tokens - 1;
    }
  }
  std::sort(cell.e2e_all.begin(), cell.e2e_all.end());
  cell.interval = stats::clustered_wilson(stats::clustered_mean(right, clusters));
  if (cell.graded > 0)
    cell.accuracy = static_cast<double>(cell.full) / static_cast<double>(cell.graded);
  cell.mean_score = stats::mean(scores);
  cell.ttft = quantiles(ttft);
  cell.tpot = quantiles(tpot);
  cell.e2e = quantiles(cell.e2e_all);
  cell.image_decode = stats::median(decode);
  cell.image_resize = stats::median(resize);
  cell.vision = stats::median(vision);
  cell.prefill = stats::median(prefill);
  if (seconds > 0) cell.characters_per_second = static_cast<double>(characters) / seconds;
  if (generating > 0) cell.tokens_per_second = static_cast<double>(tokens) / generating;
  if (!cell.e2e_all.empty()) {
    const double each = seconds / static_cast<double>(cell.e2e_all.size());
    cell.seconds_per_question = each;
    const double price = run.run.limits.price_per_hour;
    cell.cost_per_1000 = cost::per_1000_questions(price, each);
    if (cell.graded > 0)
      cell.cost_per_correct = cost::per_correct_answer(price, each, cell.accuracy);
    const auto seconds_each = stats::clustered_ratio(paid_seconds, paid_right, paid_clusters);
    if (price > 0 && seconds_each)
      cell.cost_per_correct_interval = {cost::run_cost(price, seconds_each->interval.low),
                                        cost::run_cost(price, seconds_each->interval.high)};
  }
  if (run.models[model].facts.remote) {
    // The machine here only waits for an endpoint; what counts is the endpoint's own price.
    cell.cost_per_1000.reset();
    cell.cost_per_correct.reset();
    if (priced > 0) cell.cost_per_1000 = 1000 * token_cost / static_cast<double>(priced);
    if (priced > 0 && cell.full > 0)
      cell.cost_per_correct = *cell.cost_per_1000 / 1000 / cell.accuracy;
  }
  return cell;
}

std::vector<verdict::PairResult> make_pairs(const store::RunData& run, const Table& table,
                                            const std::vector<size_t>& items) {
  std::vector<verdict::PairResult> pairs;
  for (size_t a = 0; a < run.models.size(); ++a) {
    for (size_t b = a + 1; b < run.models.size(); ++b) {
      std::vector<verdict::PairedItem> paired;
      for (const size_t item : items) {
        const store::GradeRow* grade_a = table.grades[a][item];
        const store::GradeRow* grade_b = table.grades[b][item];
        if (grade_a == nullptr || grade_b == nullptr || grade_a->grade.verdict == Verdict::shown ||
            grade_b->grade.verdict == Verdict::shown || !run.scenario_of(run.items[item]).graded)
          continue;
        paired.push_back({.first_right = grade_a->grade.verdict == Verdict::full,
                          .second_right = grade_b->grade.verdict == Verdict::full,
                          .first_score = grade_a->grade.score,
                          .second_score = grade_b->grade.score,
                          .cluster = table.clusters[item]});
      }
      pairs.push_back(verdict::compare_pair(a, b, paired));
    }
  }
  return pairs;
}

Revisits make_revisits(const store::RunData& run, const Table& table, size_t model) {
  Revisits out;
  std::vector<double> ttft, vision, first_ttft, first_vision;
  for (const store::RevisitRow& row : run.revisits) {
    if (static_cast<size_t>(row.model) != model) continue;
    ++out.asked;
    const store::AnswerRow* answer = table.answers[model][static_cast<size_t>(row.item)];
    if (!row.failure.empty() || answer == nullptr || row.timing.ttft < 0) {
      ++out.failed;
      continue;
    }
    out.same += row.same;
    ttft.push_back(row.timing.ttft);
    vision.push_back(row.timing.vision);
    first_ttft.push_back(answer->timing.ttft);
    first_vision.push_back(answer->timing.vision);
    out.prompt_tokens += row.usage.prompt_tokens;
    out.cached_prompt_tokens += row.usage.cached_prompt_tokens;
    out.image_tokens += row.usage.image_tokens;
    out.cached_image_tokens += row.usage.cached_image_tokens;
  }
  out.ttft = stats::median(ttft);
  out.vision = stats::median(vision);
  out.first_ttft = stats::median(first_ttft);
  out.first_vision = stats::median(first_vision);
  return out;
}

// The groups in the order in which the report offers them, still without figures.
std::vector<Group> make_groups(const store::RunData& run) {
  Group all{.kind = GroupKind::all,
            .key = "all",
            .title = {"All questions", "全部题目"},
            .items = {},
            .cells = {},
            .pairs = {}};
  std::vector<Group> scenarios;
  std::map<std::string, Group> languages;
  std::map<int, Group> difficulties;
  for (size_t i = 0; i < run.items.size(); ++i) {
    const store::ItemRow& item = run.items[i];
    const suites::Scenario& scenario = run.scenario_of(item);
    const std::string key =
        "scenario:" + run.suites[static_cast<size_t>(item.suite)].name + "/" + scenario.id;
    auto found = std::find_if(scenarios.begin(), scenarios.end(),
                              [&](const Group& group) { return group.key == key; });
    if (found == scenarios.end()) {
      scenarios.push_back({.kind = GroupKind::scenario,
                           .key = key,
                           .title = scenario.title,
                           .graded = scenario.graded,
                           .items = {},
                           .cells = {},
                           .pairs = {}});
      found = scenarios.end() - 1;
      if (found->title.en.empty()) found->title.en = scenario.id;
      if (found->title.zh.empty()) found->title.zh = found->title.en;
    }
    found->items.push_back(i);
    all.items.push_back(i);
    if (!scenario.graded) continue;
    Group& language = languages[item.question.lang];
    language.items.push_back(i);
    Group& difficulty = difficulties[item.question.difficulty];
    difficulty.items.push_back(i);
  }
  std::vector<Group> groups = {all};
  groups.insert(groups.end(), scenarios.begin(), scenarios.end());
  if (languages.size() > 1) {
    for (auto& [lang, group] : languages) {
      group.kind = GroupKind::language;
      group.key = "language:" + lang;
      group.title = lang == "zh"   ? Titles{"Chinese", "中文题"}
                    : lang == "en" ? Titles{"English", "英文题"}
                                   : Titles{lang, lang};
      groups.push_back(group);
    }
  }
  if (difficulties.size() > 1) {
    for (auto& [level, group] : difficulties) {
      group.kind = GroupKind::difficulty;
      group.key = fmt::format("difficulty:{}", level);
      group.title = {fmt::format("Difficulty {}", level), fmt::format("难度 {}", level)};
      groups.push_back(group);
    }
  }
  for (const verdict::Profile& profile : verdict::profiles()) {
    Group group{.kind = GroupKind::profile,
                .key = std::string("profile:") + profile.key,
                .title = profile.title,
                .items = {},
                .cells = {},
                .pairs = {}};
    for (size_t i = 0; i < run.items.size(); ++i)
      if (run.scenario_of(run.items[i]).graded && profile.tells(run.items[i]))
        group.items.push_back(i);
    if (!group.items.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

// Each kind of group is one family of tests for Holm's correction.
void decide_pairs(std::vector<Group>& groups, const store::Judgement& judgement) {
  for (const GroupKind kind : {GroupKind::all, GroupKind::scenario, GroupKind::language,
                               GroupKind::difficulty, GroupKind::profile}) {
    std::vector<verdict::PairResult*> family;
    for (Group& group : groups)
      if (group.kind == kind && group.graded)
        for (verdict::PairResult& pair : group.pairs) family.push_back(&pair);
    verdict::decide(family, judgement.alpha_at_end > 0 ? judgement.alpha_at_end : judgement.alpha,
                    judgement.equivalence_margin);
  }
}

void add_macro_accuracy(std::vector<Group>& groups) {
  for (size_t model = 0; model < groups.front().cells.size(); ++model) {
    std::vector<double> accuracies;
    for (const Group& group : groups)
      if (group.kind == GroupKind::scenario && group.cells[model].graded > 0)
        accuracies.push_back(group.cells[model].accuracy);
    groups.front().cells[model].macro_accuracy = stats::mean(accuracies);
  }
}

}  // namespace

std::vector<std::string> Results::labels() const {
  std::vector<std::string> out;
  for (const ModelSummary& model : models) out.push_back(model.label);
  return out;
}

Results compute_results(store::RunData run) {
  Results results;
  results.run = std::move(run);
  results.agreements = verdict::agreements(results.run);
  std::vector<store::GradeRow> counted = verdict::counted_grades(results.run);
  results.overrulings = verdict::overrulings(results.run, counted);
  results.run.grades = std::move(counted);
  const store::RunData& data = results.run;
  for (const store::ModelRow& row : data.models) {
    ModelSummary model{.label = row.label, .facts = row.facts};
    const chat::Memory& memory = row.facts.memory;
    model.peak_bytes =
        static_cast<double>(memory.device_peak > 0 ? memory.device_peak : memory.host_peak);
    model.planned_bytes =
        static_cast<double>(memory.weights + memory.vision + memory.kv + memory.workspace);
    results.models.push_back(std::move(model));
  }
  const Table table = index(data);
  for (size_t model = 0; model < results.models.size(); ++model)
    results.models[model].revisits = make_revisits(data, table, model);
  for (size_t model = 0; model < results.models.size(); ++model) {
    const auto id = static_cast<int64_t>(model);
    results.models[model].fixed_length = fixed_length_of(data, id);
    results.models[model].joules_per_answer = joules_per_answer(data, id);
    results.models[model].elsewhere = elsewhere(data, id);
  }
  results.groups = make_groups(data);
  for (Group& group : results.groups) {
    for (size_t model = 0; model < data.models.size(); ++model)
      group.cells.push_back(make_cell(data, table, model, group.items));
    group.pairs = make_pairs(data, table, group.items);
    if (group.kind == GroupKind::all || group.kind == GroupKind::scenario)
      group.speeds = compare_speeds(table.answers, table.clusters, group.items, data.run.seed);
  }
  decide_pairs(results.groups, data.run.judgement);
  add_macro_accuracy(results.groups);
  results.recommendations = make_recommendations(results);
  for (const store::SessionRow& session : data.sessions) {
    results.wall_seconds += session.wall_seconds;
    results.load_seconds += session.load_seconds;
    results.warmup_seconds += session.warmup_seconds;
  }
  results.time = split_time(data);
  results.joules = run_joules(data);
  for (const store::FidelityRow& row : data.fidelity)
    results.fidelity.push_back(verdict::fidelity_from(row.measured));
  if (data.run.limits.price_per_hour > 0)
    results.total_cost = cost::run_cost(data.run.limits.price_per_hour, results.wall_seconds);
  results.notes = reader_notes(results);
  results.method = method_notes(results);
  for (Titles& note : verdict::circular_notes(results.run))
    results.method.push_back(std::move(note));
  return results;
}

}  // namespace visavis::report
