// Grader "regex": one of the key's patterns (RE2's syntax) is found in the answer. Nothing is
// normalised: the pattern says what it wants, (?i) for either case.
#include <re2/re2.h>

#include <string>

#include "base/text.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

constexpr int64_t kMaxPatternMemory = int64_t{4} << 20;

RE2::Options quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxPatternMemory);
  return options;
}

}  // namespace

std::string regex_problem(const suites::Key& key) {
  for (const std::string& text : key.answers) {
    const RE2 pattern(text, quiet());
    if (!pattern.ok())
      return "cannot use the pattern '" + base::valid_utf8(text) + "': " + pattern.error();
  }
  return without_answers(key);
}

Grade regex_grade(const suites::Question& question, std::string_view answer, const Cutoffs&) {
  Grade grade;
  grade.rule = "regex.none";
  grade.normalised = base::valid_utf8(answer);
  const re2::StringPiece text(grade.normalised);
  for (const std::string& wanted : question.key.answers) {
    const RE2 pattern(wanted, quiet());
    re2::StringPiece found;
    if (!pattern.ok() || !pattern.Match(text, 0, text.size(), RE2::UNANCHORED, &found, 1)) continue;
    const auto begin = static_cast<int>(found.data() - text.data());
    grade.rule = "regex.match";
    grade.score = 1;
    grade.raw_match = true;
    grade.evidence.push_back({"answer", wanted, std::string(found.data(), found.size()), begin,
                              begin + static_cast<int>(found.size())});
    break;
  }
  if (grade.score == 0)
    grade.evidence.push_back({"answer", question.key.answers.front(), "", -1, -1});
  grade.verdict = grade.score == 1 ? Verdict::full : Verdict::wrong;
  return grade;
}

}  // namespace visavis::graders
