#include "harness/report/costs.h"

#include <algorithm>

namespace visavis::report {

TimeSplit split_time(const store::RunData& run) {
  TimeSplit split;
  double wall = 0;
  for (const store::SessionRow& session : run.sessions) {
    wall += session.wall_seconds;
    split.load += session.load_seconds;
    split.warmup += session.warmup_seconds;
  }
  const auto add = [](double& sum, double seconds) { sum += std::max(0.0, seconds); };
  for (const store::AnswerRow& answer : run.answers) add(split.answers, answer.timing.e2e);
  for (const store::RevisitRow& row : run.revisits) add(split.again, row.timing.e2e);
  for (const store::FixedLengthRow& row : run.fixed_lengths) add(split.again, row.e2e);
  split.rest = std::max(0.0, wall - split.total());
  return split;
}

std::optional<double> run_joules(const store::RunData& run) {
  if (run.sessions.empty()) return std::nullopt;
  double sum = 0;
  for (const store::SessionRow& session : run.sessions) {
    if (session.energy_joules < 0) return std::nullopt;
    sum += session.energy_joules;
  }
  return sum;
}

std::optional<double> joules_per_answer(const store::RunData& run, int64_t model) {
  double sum = 0;
  int64_t count = 0;
  for (const store::AnswerRow& answer : run.answers) {
    if (answer.model != model || !answer.failure.empty()) continue;
    if (answer.energy_joules < 0) return std::nullopt;
    sum += answer.energy_joules;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

cost::OtherCards elsewhere(const store::RunData& run, int64_t model) {
  const chat::ModelFacts& facts = run.models[static_cast<size_t>(model)].facts;
  std::vector<cost::CountedAnswer> answers;
  for (const store::AnswerRow& answer : run.answers) {
    if (answer.model != model || !answer.failure.empty() || answer.timing.e2e < 0) continue;
    const store::ItemRow& item = run.items[static_cast<size_t>(answer.item)];
    answers.push_back({.usage = answer.usage,
                       .pictures = static_cast<int64_t>(item.question.images.size()),
                       .host_seconds = std::max(0.0, answer.timing.image_decode) +
                                       std::max(0.0, answer.timing.image_resize),
                       .seconds = answer.timing.e2e});
  }
  const chat::Memory& memory = facts.memory;
  return cost::on_other_cards(facts.effort, answers,
                              memory.weights + memory.vision + memory.kv + memory.workspace,
                              facts.device, run.run.limits.prices);
}

}  // namespace visavis::report
