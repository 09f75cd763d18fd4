// Grader "vqa": the accuracy of the VQA challenge. An answer is as right as people gave it: with
// every reference left out once, the mean of min(1, equal ones among the others / 3). With fewer
// than four references, where that can hardly reach 1, any equal one counts fully.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "harness/graders/normalise.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

constexpr size_t kFewReferences = 4;
constexpr double kEnough = 3;

// As the challenge's script: digits for words, on top of what `exact` does.
std::string vqa_form(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kDigits = {
      {{"none", "0"},
       {"zero", "0"},
       {"one", "1"},
       {"two", "2"},
       {"three", "3"},
       {"four", "4"},
       {"five", "5"},
       {"six", "6"},
       {"seven", "7"},
       {"eight", "8"},
       {"nine", "9"}}};
  std::string out;
  for (const std::string& word : base::split(normalise(text), ' ')) {
    std::string_view kept = word;
    for (const auto& [name, digit] : kDigits)
      if (word == name) kept = digit;
    if (word == "ten") kept = "10";
    if (!out.empty()) out += ' ';
    out += kept;
  }
  return out;
}

double accuracy(size_t equal, size_t references) {
  if (references < kFewReferences) return equal > 0 ? 1 : 0;
  const auto matched = static_cast<double>(equal);
  const auto others = static_cast<double>(references - equal);
  const double without_one = std::min(1.0, (matched - 1) / kEnough);
  const double with_all = std::min(1.0, matched / kEnough);
  return (matched * std::max(0.0, without_one) + others * with_all) /
         static_cast<double>(references);
}

}  // namespace

std::string vqa_problem(const suites::Key& key) { return without_answers(key); }

Grade vqa_grade(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs) {
  Grade grade;
  grade.normalised = vqa_form(answer);
  size_t equal = 0;
  const std::string* matched = nullptr;
  for (const std::string& key : question.key.answers) {
    grade.raw_match = grade.raw_match || base::trim(answer) == base::trim(key);
    if (vqa_form(key) != grade.normalised) continue;
    ++equal;
    matched = &key;
  }
  grade.score = accuracy(equal, question.key.answers.size());
  grade.rule = equal > 0 ? "vqa.references" : "vqa.none";
  const bool found = matched != nullptr;
  grade.evidence.push_back({"answer", found ? *matched : question.key.answers.front(),
                            found ? grade.normalised : "", found ? 0 : -1,
                            found ? static_cast<int>(grade.normalised.size()) : -1});
  grade.verdict = verdict_of_score(grade.score, cutoffs);
  return grade;
}

}  // namespace visavis::graders
