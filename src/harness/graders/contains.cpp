// Grader "contains": the answer mentions one of the key's answers.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "harness/graders/match.h"
#include "harness/graders/normalise.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

// Tries one key; fills rule and evidence and returns true if the answer holds it.
bool holds(const std::string& key, std::string_view answer, const std::u32string& flat,
           Grade& grade) {
  const std::string normal_key = normalise(key);
  if (const std::optional<bool> wanted = yes_no_key(normal_key)) {
    if (yes_no_answer(normalise(answer)) != wanted) return false;
    grade.rule = "contains.yes_no";
    grade.evidence.push_back({"answer", key, normal_key, -1, -1});
    return true;
  }
  if (const auto mention = find_mention(flat, {key}, {}, Negation::rules_out)) {
    const auto [begin, end] = byte_span(flat, mention->span);
    grade.rule = "contains.text";
    grade.evidence.push_back({"answer", key, mention->wording, begin, end});
    return true;
  }
  if (const std::optional<double> wanted = read_number(normal_key)) {
    const std::vector<double> numbers = numbers_in(fold(answer));
    if (std::find(numbers.begin(), numbers.end(), *wanted) == numbers.end()) return false;
    grade.rule = "contains.number";
    grade.evidence.push_back({"answer", key, normal_key, -1, -1});
    return true;
  }
  return false;
}

}  // namespace

std::string contains_problem(const suites::Key& key) { return without_answers(key); }

Grade contains_grade(const suites::Question& question, std::string_view answer, const Cutoffs&) {
  const std::u32string flat = flatten(answer);
  Grade grade;
  grade.rule = "contains.none";
  grade.normalised = base::to_utf8(flat);
  grade.raw_match = holds_raw(answer, question.key.answers);
  for (const std::string& key : question.key.answers) {
    if (!holds(key, answer, flat, grade)) continue;
    grade.score = 1;
    break;
  }
  if (grade.score == 0)
    grade.evidence.push_back({"answer", question.key.answers.front(), "", -1, -1});
  grade.verdict = grade.score == 1 ? Verdict::full : Verdict::wrong;
  return grade;
}

}  // namespace visavis::graders
