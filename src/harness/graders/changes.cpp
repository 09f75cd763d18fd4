// Grader "changes": what differs between pictures, as a set. The score is F1 over the key's
// changes; a distractor that the answer claims to have changed is a false claim.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.h"
#include "harness/graders/match.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

// Counts the things that the text claims to have changed and records how. Clauses that say that
// something stayed the same claim nothing.
size_t count_claims(const std::u32string& flat, const std::vector<suites::Fact>& things,
                    const std::vector<Span>& opposing, const char* kind, Grade& grade) {
  size_t claims = 0;
  for (const suites::Fact& thing : things) {
    Evidence evidence{kind, thing.any.front(), "", -1, -1};
    const auto mention = find_mention(flat, thing.any, opposing, Negation::unchanged);
    if (mention) {
      ++claims;
      evidence.found = mention->wording;
      std::tie(evidence.begin, evidence.end) = byte_span(flat, mention->span);
    }
    grade.evidence.push_back(std::move(evidence));
  }
  return claims;
}

}  // namespace

std::string changes_problem(const suites::Key& key) {
  return key.changes.empty() ? "needs 'changes', which is absent" : "";
}

Grade changes_grade(const suites::Question& question, std::string_view answer,
                    const Cutoffs& cutoffs) {
  const suites::Key& key = question.key;
  const std::u32string flat = flatten(answer);
  const std::vector<std::string> changed = all_wordings(key.changes);
  const std::vector<std::string> unchanged = all_wordings(key.distractors);
  Grade grade;
  grade.rule = "changes.f1";
  grade.normalised = base::to_utf8(flat);
  const size_t right =
      count_claims(flat, key.changes, find_wordings(flat, unchanged), "change", grade);
  const size_t false_claims =
      count_claims(flat, key.distractors, find_wordings(flat, changed), "distractor", grade);
  const size_t missed = key.changes.size() - right;
  grade.score =
      2.0 * static_cast<double>(right) / static_cast<double>(2 * right + false_claims + missed);
  grade.raw_match = !holds_raw(answer, unchanged);
  for (const suites::Fact& change : key.changes)
    if (!holds_raw(answer, change.any)) grade.raw_match = false;
  grade.verdict = verdict_of_score(grade.score, cutoffs);
  return grade;
}

}  // namespace visavis::graders
