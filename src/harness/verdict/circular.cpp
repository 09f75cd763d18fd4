#include "harness/verdict/circular.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "harness/stats/goodness.h"

namespace visavis::verdict {
namespace {

using Group = std::pair<int64_t, std::string>;  // suite, original

struct Member {
  const store::ItemRow* item;
  const graders::Grade* grade;
};

void count(std::vector<int64_t>& letters, const std::string& letter) {
  if (letter.size() != 1 || letter[0] < 'A' || letter[0] > 'Z') return;
  const auto at = static_cast<size_t>(letter[0] - 'A');
  letters.resize(std::max(letters.size(), at + 1));
  ++letters[at];
}

size_t options_of(const store::ItemRow& item) {
  const auto& options = item.question.key.options;
  return options.size() - static_cast<size_t>(std::count(options.begin(), options.end(), ""));
}

void add(const std::vector<Member>& members, Circular& result) {
  const size_t options = options_of(*members.front().item);
  if (members.size() != options) return;
  ++result.groups;
  result.chance += std::pow(static_cast<double>(options), -static_cast<double>(options));
  bool every = true;
  for (const auto& [item, grade] : members) {
    const bool right = grade->verdict == graders::Verdict::full;
    every = every && right;
    if (right && item->question.id == item->question.rotation_of) ++result.plain;
    if (grade->evidence.empty()) continue;
    count(result.chosen, grade->evidence.front().found);
    count(result.gold, grade->evidence.front().wanted);
  }
  if (every) ++result.every;
}

double position_p(Circular& result) {
  const size_t letters = std::max(result.chosen.size(), result.gold.size());
  result.chosen.resize(letters);
  result.gold.resize(letters);
  return stats::chi_squared_p(result.chosen, result.gold);
}

}  // namespace

std::vector<Circular> circular_results(const store::RunData& run) {
  std::vector<std::map<Group, std::vector<Member>>> groups(run.models.size());
  bool rotated = false;
  for (const store::GradeRow& grade : run.grades) {
    const store::ItemRow& item = run.items.at(static_cast<size_t>(grade.item));
    if (item.question.rotation_of.empty()) continue;
    rotated = true;
    groups.at(static_cast<size_t>(grade.model))[{item.suite, item.question.rotation_of}].push_back(
        {&item, &grade.grade});
  }
  if (!rotated) return {};
  std::vector<Circular> results;
  for (const auto& of_model : groups) {
    Circular result;
    for (const auto& [group, members] : of_model) add(members, result);
    if (result.groups > 0) result.chance /= static_cast<double>(result.groups);
    result.position_p = position_p(result);
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<suites::Titles> circular_notes(const store::RunData& run) {
  std::vector<suites::Titles> notes;
  const std::vector<Circular> results = circular_results(run);
  for (size_t model = 0; model < results.size(); ++model) {
    const Circular& result = results[model];
    if (result.groups == 0) continue;
    const std::string& label = run.models.at(model).label;
    const auto share = [&](int64_t right) {
      return 100.0 * static_cast<double>(right) / static_cast<double>(result.groups);
    };
    std::string letters;
    for (size_t i = 0; i < result.chosen.size(); ++i)
      letters += fmt::format("{}{} {}/{}", i == 0 ? "" : ", ", static_cast<char>('A' + i),
                             result.chosen[i], result.gold[i]);
    notes.push_back(
        {fmt::format(
             "{}: of {} multiple-choice questions asked in every rotation of their options, "
             "{:.1f} % right as written, {:.1f} % right in every rotation (guessing: "
             "{:.2f} %). Letters chosen/right: {}; p = {:.2g} that their place does not "
             "matter.",
             label, result.groups, share(result.plain), share(result.every), 100 * result.chance,
             letters, result.position_p),
         fmt::format("{}：{} 道选择题按选项的每种轮换各问一次，原顺序正确 {:.1f} %，全部轮换都正确 "
                     "{:.1f} %（随机猜测 {:.2f} %）。各字母被选/正确次数：{}；选项位置无影响的 p = "
                     "{:.2g}。",
                     label, result.groups, share(result.plain), share(result.every),
                     100 * result.chance, letters, result.position_p)});
  }
  return notes;
}

}  // namespace visavis::verdict
