#include "harness/report/difference.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "harness/report/results.h"
#include "harness/store/codec.h"

namespace visavis::report {
namespace {

using graders::Verdict;

std::string name_of(const store::RunData& run, const store::ItemRow& item) {
  return run.suites[static_cast<size_t>(item.suite)].name + "/" + item.question.id;
}

bool same_question(const store::ItemRow& a, const store::ItemRow& b) {
  return a.question.question == b.question.question && a.question.grader == b.question.grader &&
         store::key_json(a.question.key) == store::key_json(b.question.key) &&
         a.picture_sha256 == b.picture_sha256;
}

// Items of both runs: (index before, index after).
std::vector<std::pair<size_t, size_t>> shared_items(const store::RunData& before,
                                                    const store::RunData& after, size_t& changed) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < before.items.size(); ++i) places[name_of(before, before.items[i])] = i;
  std::vector<std::pair<size_t, size_t>> shared;
  for (size_t i = 0; i < after.items.size(); ++i) {
    const store::ItemRow& item = after.items[i];
    if (!after.scenario_of(item).graded) continue;
    const auto found = places.find(name_of(after, item));
    if (found == places.end()) continue;
    if (same_question(before.items[found->second], item))
      shared.emplace_back(found->second, i);
    else
      ++changed;
  }
  return shared;
}

std::optional<size_t> model_called(const store::RunData& run, const std::string& label) {
  for (size_t i = 0; i < run.models.size(); ++i)
    if (run.models[i].label == label) return i;
  return std::nullopt;
}

using Grades = std::map<std::pair<int64_t, int64_t>, const graders::Grade*>;

Grades by_place(const std::vector<store::GradeRow>& rows) {
  Grades grades;
  for (const store::GradeRow& row : rows) grades[{row.model, row.item}] = &row.grade;
  return grades;
}

}  // namespace

bool RunDifference::regressed() const {
  return std::any_of(models.begin(), models.end(), [](const ModelDifference& model) {
    return model.pair.decision == verdict::Decision::first_better;
  });
}

RunDifference difference(const store::RunData& before, const store::RunData& after) {
  RunDifference result;
  const auto shared = shared_items(before, after, result.changed_questions);
  require(!shared.empty(), "the two runs share no graded question",
          result.changed_questions > 0 ? " (questions of the same id differ)" : "");
  const std::vector<store::GradeRow> counted_before = verdict::counted_grades(before);
  const std::vector<store::GradeRow> counted_after = verdict::counted_grades(after);
  const Grades grades_before = by_place(counted_before);
  const Grades grades_after = by_place(counted_after);
  std::map<std::string, int64_t> clusters;
  for (size_t m = 0; m < after.models.size(); ++m) {
    const std::string& label = after.models[m].label;
    const auto old = model_called(before, label);
    if (!old) {
      result.only_after.push_back(label);
      continue;
    }
    std::vector<verdict::PairedItem> paired;
    double right_before = 0;
    double right_after = 0;
    for (const auto& [i, j] : shared) {
      const auto first = grades_before.find({before.models[*old].id, before.items[i].id});
      const auto second = grades_after.find({after.models[m].id, after.items[j].id});
      if (first == grades_before.end() || second == grades_after.end()) continue;
      const int64_t cluster =
          clusters
              .emplace(store::cluster_name(after.items[j]), static_cast<int64_t>(clusters.size()))
              .first->second;
      paired.push_back({.first_right = first->second->verdict == Verdict::full,
                        .second_right = second->second->verdict == Verdict::full,
                        .first_score = first->second->score,
                        .second_score = second->second->score,
                        .cluster = cluster});
      right_before += paired.back().first_right ? 1 : 0;
      right_after += paired.back().second_right ? 1 : 0;
    }
    const auto count = std::max(1.0, static_cast<double>(paired.size()));
    result.models.push_back({.label = label,
                             .pair = verdict::compare_pair(0, 1, paired),
                             .before = right_before / count,
                             .after = right_after / count});
  }
  for (const store::ModelRow& model : before.models)
    if (!model_called(after, model.label)) result.only_before.push_back(model.label);
  require(!result.models.empty(), "the two runs share no model");

  std::vector<verdict::PairResult*> family;
  for (ModelDifference& model : result.models) family.push_back(&model.pair);
  verdict::decide(family, after.run.judgement.alpha, after.run.judgement.equivalence_margin);
  return result;
}

}  // namespace visavis::report
