// Grader "number": the answer names the key's number within 5 % (ChartQA). Units and thousands
// separators do not matter; "12%" and "0.12" are the same where the key is a percentage. A key that
// is no number is compared as a text.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "harness/graders/normalise.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

constexpr double kTolerance = 0.05;

struct Key {
  double value;
  bool percent;
};

std::optional<Key> read_key(const std::string& text) {
  const std::u32string folded = fold(text);
  const std::vector<double> numbers = numbers_in(folded);
  if (numbers.size() != 1) return std::nullopt;
  return Key{numbers.front(), folded.find(U'%') != std::u32string::npos};
}

bool near(double found, double wanted) {
  return wanted == 0 ? found == 0 : std::abs(found - wanted) <= kTolerance * std::abs(wanted);
}

bool matches(double found, const Key& key) {
  return near(found, key.value) || (key.percent && near(100 * found, key.value));
}

}  // namespace

std::string number_problem(const suites::Key& key) { return without_answers(key); }

// The last number of an answer is its result ("3 + 4 = 7"); one that stands alone is it anyway.
Grade number_grade(const suites::Question& question, std::string_view answer, const Cutoffs&) {
  Grade grade;
  grade.rule = "number.none";
  const std::u32string folded = fold(answer);
  grade.normalised = base::to_utf8(folded);
  const std::vector<double> numbers = numbers_in(folded);
  for (const std::string& wanted : question.key.answers) {
    grade.raw_match = grade.raw_match || base::trim(answer) == base::trim(wanted);
    const std::optional<Key> key = read_key(wanted);
    if (grade.score == 1) continue;
    if (key && !numbers.empty() && matches(numbers.back(), *key)) {
      grade.rule = "number.near";
    } else if (!key && normalise(wanted) == normalise(answer)) {
      grade.rule = "number.text";
    } else {
      continue;
    }
    grade.score = 1;
    grade.evidence.push_back({"answer", wanted, grade.normalised, -1, -1});
  }
  if (grade.score == 0)
    grade.evidence.push_back({"answer", question.key.answers.front(), "", -1, -1});
  grade.verdict = grade.score == 1 ? Verdict::full : Verdict::wrong;
  return grade;
}

}  // namespace visavis::graders
