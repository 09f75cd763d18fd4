// Grader "facts": a checklist. The score is the share of facts that the answer mentions; an answer
// that also says something the key contradicts is never fully right.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.h"
#include "harness/graders/match.h"
#include "harness/graders/rows.h"

namespace visavis::graders {

std::string facts_problem(const suites::Key& key) {
  return key.facts.empty() ? "needs 'facts', which is absent" : "";
}

Grade facts_grade(const suites::Question& question, std::string_view answer,
                  const Cutoffs& cutoffs) {
  const suites::Key& key = question.key;
  const double full = key.facts_full.value_or(cutoffs.facts_full);
  const double partial = key.facts_partial.value_or(cutoffs.facts_partial);
  const std::u32string flat = flatten(answer);
  Grade grade;
  grade.normalised = base::to_utf8(flat);
  const std::vector<Span> contradictions = find_wordings(flat, key.contradictions);
  size_t said = 0;
  size_t said_raw = 0;
  for (const suites::Fact& fact : key.facts) {
    if (holds_raw(answer, fact.any)) ++said_raw;
    Evidence evidence{"fact", fact.any.front(), "", -1, -1};
    if (const auto mention = find_mention(flat, fact.any, contradictions, Negation::rules_out)) {
      ++said;
      evidence.found = mention->wording;
      std::tie(evidence.begin, evidence.end) = byte_span(flat, mention->span);
    }
    grade.evidence.push_back(std::move(evidence));
  }
  const std::vector<Span> facts = find_wordings(flat, all_wordings(key.facts));
  size_t contradicted = 0;
  for (const std::string& wording : key.contradictions) {
    const auto mention = find_mention(flat, {wording}, facts, Negation::rules_out);
    if (!mention) continue;
    ++contradicted;
    const auto [begin, end] = byte_span(flat, mention->span);
    grade.evidence.push_back({"contradiction", wording, mention->wording, begin, end});
  }
  const auto count = static_cast<double>(key.facts.size());
  grade.score = static_cast<double>(said) / count;
  grade.raw_match =
      static_cast<double>(said_raw) / count >= full && !holds_raw(answer, key.contradictions);
  grade.rule = contradicted == 0 ? "facts.share" : "facts.contradicted";
  if (grade.score >= full && contradicted == 0)
    grade.verdict = Verdict::full;
  else
    grade.verdict = grade.score >= partial ? Verdict::partial : Verdict::wrong;
  return grade;
}

}  // namespace visavis::graders
