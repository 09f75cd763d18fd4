// The verdict on one answer and how it came about. Graders never invent: an answer that cannot be
// read is `unparsed`, one that declines to answer is `refused` (both count as not right), one that
// does not exist is `failed`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace visavis::graders {

enum class Verdict { full, partial, wrong, unparsed, refused, failed, shown };

const char* name_of(Verdict verdict);
/// The verdict of that name. Throws Error for an unknown one.
Verdict verdict_from(std::string_view name);

/// Why a grade is what it is: one wording of the key and where the answer holds it.
struct Evidence {
  std::string kind;    // "answer", "fact", "contradiction", "change", "distractor", "refusal",
                       // "violation" (of a schema), "part", "failed part"
  std::string wanted;  // the key's (first) wording
  std::string found;   // the wording that matched, normalised; empty if none did
  int begin = -1;      // its bytes in Grade::normalised, or -1
  int end = -1;
};

/// The rule of an answer that a judging model has yet to grade; it is not counted meanwhile.
inline constexpr const char* kJudgePending = "judge.pending";

struct Grade {
  double score = 0;  // 0 .. 1
  Verdict verdict = Verdict::wrong;
  std::string rule;        // the rule that decided, e.g. "exact.number"
  std::string normalised;  // the answer as the rule saw it
  bool raw_match = false;  // right even without any normalisation
  std::vector<Evidence> evidence;
};

/// Where the three buckets begin; stored and printed with the results.
struct Cutoffs {
  double graded_full = 0.999;  // a score at or above is fully right; above 0 partly
  double facts_full = 0.8;     // share of facts, without a contradiction
  double facts_partial = 0.3;
};

/// The bucket of a score between 0 and 1.
Verdict verdict_of_score(double score, const Cutoffs& cutoffs);

}  // namespace visavis::graders
