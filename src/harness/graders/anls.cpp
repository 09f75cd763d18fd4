// Grader "anls": how near the answer's spelling comes to one of the key's (DocVQA): 1 less the edit
// distance over the longer length, both counted on the same normalised strings; below a half it is
// nothing.
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/text.h"
#include "harness/graders/normalise.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

constexpr double kLeast = 0.5;
constexpr size_t kLongest = 4096;  // code points compared; the work grows with their square

size_t edit_distance(std::u32string_view a, std::u32string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

double nearness(std::u32string_view a, std::u32string_view b) {
  const size_t longer = std::max(a.size(), b.size());
  if (longer == 0) return 1;
  const double share = 1 - static_cast<double>(edit_distance(a, b)) / static_cast<double>(longer);
  return share < kLeast ? 0 : share;
}

// As Python's " ".join(text.strip().lower().split()).
std::u32string loose_form(std::string_view text) {
  icu::UnicodeString wide = icu::UnicodeString::fromUTF8(icu::StringPiece(base::valid_utf8(text)));
  wide.toLower(icu::Locale::getRoot());
  std::string narrow;
  std::u32string out;
  for (const char32_t c : base::to_code_points(wide.toUTF8String(narrow))) {
    const bool space = u_isUWhiteSpace(static_cast<UChar32>(c));
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != U' ')
      out += U' ';
  }
  if (!out.empty() && out.back() == U' ') out.pop_back();
  return out;
}

}  // namespace

std::string anls_problem(const suites::Key& key) { return without_answers(key); }

Grade anls_grade(const suites::Question& question, std::string_view answer,
                 const Cutoffs& cutoffs) {
  Grade grade;
  grade.rule = "anls.none";
  grade.normalised = normalise(answer);
  const std::u32string found = base::to_code_points(grade.normalised).substr(0, kLongest);
  const std::string* best = &question.key.answers.front();
  for (const std::string& key : question.key.answers) {
    grade.raw_match = grade.raw_match || base::trim(answer) == base::trim(key);
    const double score = nearness(found, base::to_code_points(normalise(key)).substr(0, kLongest));
    if (score <= grade.score) continue;
    grade.score = score;
    grade.rule = "anls.near";
    best = &key;
  }
  const bool near = grade.score > 0;
  grade.evidence.push_back({"answer", *best, near ? grade.normalised : "", near ? 0 : -1,
                            near ? static_cast<int>(grade.normalised.size()) : -1});
  grade.verdict = verdict_of_score(grade.score, cutoffs);
  return grade;
}

// Grader "anls_vlmevalkit": the figure that VLMEvalKit and lmms-eval print, for comparison with
// theirs: edits of texts without surplus spaces over the length of the texts with them, so that
// trailing spaces raise a score.
Grade anls_vlmevalkit_grade(const suites::Question& question, std::string_view answer,
                            const Cutoffs& cutoffs) {
  Grade grade;
  const std::u32string found = loose_form(answer).substr(0, kLongest);
  grade.rule = "anls.vlmevalkit";
  grade.normalised = base::to_utf8(found);
  const std::string* best = &question.key.answers.front();
  for (const std::string& key : question.key.answers) {
    grade.raw_match = grade.raw_match || base::trim(answer) == base::trim(key);
    const auto length = static_cast<double>(
        std::max(base::count_code_points(answer), base::count_code_points(key)));
    const auto edits =
        static_cast<double>(edit_distance(found, loose_form(key).substr(0, kLongest)));
    const double score = length == 0 ? 1 : 1 - edits / length;
    if (score < kLeast || score <= grade.score) continue;
    grade.score = score;
    best = &key;
  }
  grade.evidence.push_back({"answer", *best, grade.score > 0 ? grade.normalised : "", -1, -1});
  grade.verdict = verdict_of_score(grade.score, cutoffs);
  return grade;
}

}  // namespace visavis::graders
