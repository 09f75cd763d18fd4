#include "harness/runner/regrade.h"

#include <utility>

#include "harness/graders/graders.h"

namespace visavis::runner {

std::vector<store::GradeRow> grade_again(const store::RunData& run) {
  std::vector<store::GradeRow> grades;
  for (const store::AnswerRow& answer : run.answers) {
    const store::ItemRow& item = run.items.at(static_cast<size_t>(answer.item));
    chat::Outcome outcome = chat::Failure{answer.failure};
    if (answer.failure.empty()) {
      chat::Completion completion;
      completion.text = answer.text;
      outcome = std::move(completion);
    }
    grades.push_back({.model = answer.model,
                      .item = answer.item,
                      .grader = item.question.grader,
                      .grade = graders::grade(item.question, run.scenario_of(item).graded, outcome,
                                              run.run.judgement.cutoffs)});
  }
  return grades;
}

}  // namespace visavis::runner
