// Grader "all": several things are asked of one answer, each by a grader of its own. The score is
// their weighted mean; fully right is what is fully right in every part, and a negated part is
// right where its grader finds the answer not fully right.
#include <algorithm>
#include <string>

#include "base/text.h"
#include "harness/graders/graders.h"
#include "harness/graders/rows.h"

namespace visavis::graders {

std::string all_problem(const suites::Key& key) {
  if (key.parts.empty()) return "needs 'parts', which are absent";
  double weight = 0;
  for (const suites::KeyPart& part : key.parts) {
    if (part.keys.size() != 1) return "has a part without a key";
    if (part.grader == "all" || part.grader == "shown")
      return "cannot hold a part of grader '" + part.grader + "'";
    if (const std::string problem = problem_of(part.grader, part.keys.front()); !problem.empty())
      return "has a part that cannot be graded: " + problem;
    weight += part.weight;
  }
  return weight > 0 ? "" : "needs a part with a weight above 0";
}

Grade all_grade(const suites::Question& question, std::string_view answer, const Cutoffs& cutoffs) {
  Grade grade;
  grade.rule = "all.parts";
  grade.normalised = std::string(base::trim(answer));
  grade.raw_match = true;
  double weights = 0;
  bool full = true;
  for (const suites::KeyPart& part : question.key.parts) {
    suites::Question asked;
    asked.id = question.id;
    asked.lang = question.lang;
    asked.key = part.keys.front();
    const Grade one = find_grader(part.grader).grade(asked, answer, cutoffs);
    const bool holds = (one.verdict == Verdict::full) != part.negated;
    full = full && holds;
    weights += part.weight;
    grade.score += part.weight * (part.negated ? (holds ? 1 : 0) : one.score);
    grade.raw_match = grade.raw_match && one.raw_match != part.negated;
    const std::string found = one.evidence.empty() ? "" : one.evidence.front().found;
    grade.evidence.push_back({holds ? "part" : "failed part",
                              (part.negated ? "not " : "") + one.rule +
                                  (one.evidence.empty() ? "" : ": " + one.evidence.front().wanted),
                              found, -1, -1});
  }
  grade.score /= weights;
  if (full)
    grade.verdict = Verdict::full;
  else
    grade.verdict = grade.score > 0 ? Verdict::partial : Verdict::wrong;
  return grade;
}

}  // namespace visavis::graders
