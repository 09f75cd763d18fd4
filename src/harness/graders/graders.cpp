#include "harness/graders/graders.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/text.h"
#include "harness/graders/refusal.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

std::string shown_missing(const suites::Key&) { return ""; }

// For pictures without a key: the report shows the answers, nothing is scored.
Grade shown_grade(const suites::Question&, std::string_view answer, const Cutoffs&) {
  Grade grade;
  grade.verdict = Verdict::shown;
  grade.rule = "shown";
  grade.normalised = std::string(base::trim(answer));
  return grade;
}

std::string known_graders() {
  std::vector<std::string> names;
  for (const Grader& grader : graders()) names.emplace_back(grader.name);
  return base::join(names, ", ");
}

Grade without_answer(Verdict verdict) {
  Grade grade;
  grade.verdict = verdict;
  grade.rule = name_of(verdict);
  return grade;
}

}  // namespace

const std::vector<Grader>& graders() {
  static const std::vector<Grader> table = {
      {"exact", &exact_missing, &exact_grade},    {"contains", &contains_missing, &contains_grade},
      {"anls", &anls_missing, &anls_grade},       {"vqa", &vqa_missing, &vqa_grade},
      {"number", &number_missing, &number_grade}, {"choice", &choice_missing, &choice_grade},
      {"facts", &facts_missing, &facts_grade},    {"changes", &changes_missing, &changes_grade},
      {"shown", &shown_missing, &shown_grade},
  };
  return table;
}

const Grader& find_grader(std::string_view name) {
  for (const Grader& grader : graders())
    if (name == grader.name) return grader;
  fail("no grader '", name, "'; known: ", known_graders());
}

void require_gradable(const suites::Suite& suite) {
  for (const suites::Question& question : suite.questions) {
    std::string problem;
    const auto same = [&](const Grader& grader) { return question.grader == grader.name; };
    const auto grader = std::find_if(graders().begin(), graders().end(), same);
    if (grader == graders().end())
      problem = "no grader '" + question.grader + "'; known: " + known_graders();
    else if (const std::string missing = grader->missing(question.key); !missing.empty())
      problem = "grader '" + question.grader + "' needs " + missing + ", which is absent";
    require(problem.empty(), suite.source.string(), ": question '", question.id, "': ", problem);
  }
}

Grade grade(const suites::Question& question, bool scenario_graded, const chat::Outcome& outcome,
            const Cutoffs& cutoffs) {
  const auto* completion = std::get_if<chat::Completion>(&outcome);
  if (completion == nullptr) return without_answer(Verdict::failed);
  if (!scenario_graded) return shown_grade(question, completion->text, cutoffs);
  const Grader& grader = find_grader(question.grader);
  if (base::trim(completion->text).empty() && grader.grade != &shown_grade)
    return without_answer(Verdict::unparsed);
  Grade result = grader.grade(question, completion->text, cutoffs);
  // What a grader could read is an answer, whatever else the model says.
  if (result.verdict == Verdict::wrong || result.verdict == Verdict::unparsed) {
    if (std::optional<std::string> words = find_refusal(completion->text)) {
      result.verdict = Verdict::refused;
      result.rule = "refusal";
      result.evidence.push_back({"refusal", "", std::move(*words), -1, -1});
    }
  }
  return result;
}

}  // namespace visavis::graders
