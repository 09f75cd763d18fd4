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

std::string shown_problem(const suites::Key&) { return ""; }

// For pictures without a key: the report shows the answers, nothing is scored.
Grade shown_grade(const suites::Question&, std::string_view answer, const Cutoffs&) {
  Grade grade;
  grade.verdict = Verdict::shown;
  grade.rule = "shown";
  grade.normalised = std::string(base::trim(answer));
  return grade;
}

// A model grades it after the run (harness/judge).
Grade judge_grade(const suites::Question& question, std::string_view answer,
                  const Cutoffs& cutoffs) {
  Grade grade = shown_grade(question, answer, cutoffs);
  grade.rule = kJudgePending;
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
      {"exact", &exact_problem, &exact_grade},
      {"contains", &contains_problem, &contains_grade},
      {"regex", &regex_problem, &regex_grade},
      {"schema", &schema_problem, &schema_grade},
      {"anls", &anls_problem, &anls_grade},
      {"anls_vlmevalkit", &anls_problem, &anls_vlmevalkit_grade},
      {"overlap", &overlap_problem, &overlap_grade},
      {"vqa", &vqa_problem, &vqa_grade},
      {"number", &number_problem, &number_grade},
      {"choice", &choice_problem, &choice_grade},
      {"facts", &facts_problem, &facts_grade},
      {"changes", &changes_problem, &changes_grade},
      {"all", &all_problem, &all_grade},
      {"judge", &shown_problem, &judge_grade},
      {"shown", &shown_problem, &shown_grade},
  };
  return table;
}

const Grader& find_grader(std::string_view name) {
  for (const Grader& grader : graders())
    if (name == grader.name) return grader;
  fail("no grader '", name, "'; known: ", known_graders());
}

std::string without_answers(const suites::Key& key) {
  return key.answers.empty() ? "needs 'answer', which is absent" : "";
}

std::string problem_of(std::string_view name, const suites::Key& key) {
  const auto same = [&](const Grader& grader) { return name == grader.name; };
  const auto grader = std::find_if(graders().begin(), graders().end(), same);
  if (grader == graders().end())
    return "no grader '" + std::string(name) + "'; known: " + known_graders();
  const std::string problem = grader->problem(key);
  return problem.empty() ? "" : "grader '" + std::string(name) + "' " + problem;
}

void require_gradable(const suites::Suite& suite) {
  for (const suites::Question& question : suite.questions) {
    const std::string problem = problem_of(question.grader, question.key);
    require(problem.empty(), suites::place_of(suite, question), ": ", problem);
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
