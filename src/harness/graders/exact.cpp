// Grader "exact": the whole answer is one of the key's answers, whatever its spelling.
#include <optional>
#include <string>

#include "base/text.h"
#include "harness/graders/normalise.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

// The rule by which the two normalised texts are the same; null if they are not.
const char* same(const std::string& key, const std::string& answer) {
  if (key == answer) return "exact.text";
  if (const std::optional<bool> wanted = yes_no_key(key))
    return yes_no_answer(answer) == wanted ? "exact.yes_no" : nullptr;
  if (const std::optional<double> wanted = read_number(key))
    return read_number(answer) == wanted ? "exact.number" : nullptr;
  return nullptr;
}

}  // namespace

std::string exact_problem(const suites::Key& key) { return without_answers(key); }

Grade exact_grade(const suites::Question& question, std::string_view answer, const Cutoffs&) {
  Grade grade;
  grade.rule = "exact.none";
  grade.normalised = normalise(answer);
  for (const std::string& key : question.key.answers) {
    if (base::trim(answer) == base::trim(key)) grade.raw_match = true;
    const char* rule = grade.score == 0 ? same(normalise(key), grade.normalised) : nullptr;
    if (rule == nullptr) continue;
    grade.rule = rule;
    grade.score = 1;
    grade.evidence.push_back(
        {"answer", key, grade.normalised, 0, static_cast<int>(grade.normalised.size())});
  }
  if (grade.score == 0)
    grade.evidence.push_back({"answer", question.key.answers.front(), "", -1, -1});
  grade.verdict = grade.score == 1 ? Verdict::full : Verdict::wrong;
  return grade;
}

}  // namespace visavis::graders
