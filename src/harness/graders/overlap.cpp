// Grader "overlap": how much of the answer's text the key's shares, for open answers: F1 over
// Chinese characters and over words of spaced scripts, however ordered; the best of the key's
// answers counts. No word segmentation, so that no dictionary decides.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "harness/graders/normalise.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

std::map<std::u32string, size_t> units_of(std::string_view normalised) {
  std::map<std::u32string, size_t> units;
  std::u32string word;
  const auto end_word = [&] {
    if (!word.empty()) ++units[word];
    word.clear();
  };
  for (const char32_t c : base::to_code_points(normalised)) {
    if (c == U' ' || is_cjk(c)) end_word();
    if (is_cjk(c))
      ++units[std::u32string(1, c)];
    else if (c != U' ')
      word += c;
  }
  end_word();
  return units;
}

size_t count(const std::map<std::u32string, size_t>& units) {
  size_t total = 0;
  for (const auto& [unit, times] : units) total += times;
  return total;
}

double f1(const std::map<std::u32string, size_t>& a, const std::map<std::u32string, size_t>& b) {
  size_t shared = 0;
  for (const auto& [unit, times] : a)
    if (const auto other = b.find(unit); other != b.end()) shared += std::min(times, other->second);
  const size_t total = count(a) + count(b);
  return total == 0 ? 0 : 2.0 * static_cast<double>(shared) / static_cast<double>(total);
}

}  // namespace

std::string overlap_problem(const suites::Key& key) { return without_answers(key); }

Grade overlap_grade(const suites::Question& question, std::string_view answer,
                    const Cutoffs& cutoffs) {
  Grade grade;
  grade.rule = "overlap.f1";
  grade.normalised = normalise(answer);
  const auto found = units_of(grade.normalised);
  const std::string* best = &question.key.answers.front();
  for (const std::string& key : question.key.answers) {
    grade.raw_match = grade.raw_match || base::trim(answer) == base::trim(key);
    const double score = f1(found, units_of(normalise(key)));
    if (score <= grade.score) continue;
    grade.score = score;
    best = &key;
  }
  grade.evidence.push_back({"answer", *best, grade.score > 0 ? grade.normalised : "", -1, -1});
  grade.verdict = verdict_of_score(grade.score, cutoffs);
  return grade;
}

}  // namespace visavis::graders
