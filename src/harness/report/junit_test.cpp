#include "harness/report/junit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace visavis::report {
namespace {

using graders::Verdict;
using testing::HasSubstr;

store::RunData run_of(const std::vector<Verdict>& verdicts) {
  store::RunData run;
  run.run.created_at = "2026-01-01T00:00:00Z";
  store::ModelRow model;
  model.label = "A & B";
  run.models = {model};
  run.suites.resize(1);
  run.suites[0].name = "t";
  for (size_t i = 0; i < verdicts.size() + 1; ++i) {
    store::ItemRow item;
    item.id = static_cast<int64_t>(i);
    item.question.id = "q" + std::to_string(i);
    item.question.scenario = "s";
    run.items.push_back(item);
    if (i == verdicts.size()) break;  // the last question was never asked
    store::AnswerRow answer;
    answer.item = item.id;
    answer.text = "<a>\x01";
    answer.timing.e2e = 0.5;
    if (verdicts[i] == Verdict::failed) answer.failure = "no \"luck\"";
    run.answers.push_back(answer);
    store::GradeRow grade;
    grade.item = item.id;
    grade.grade.verdict = verdicts[i];
    run.grades.push_back(grade);
  }
  return run;
}

TEST(Junit, CountsEveryKindOfOutcome) {
  const std::string xml = junit_xml(run_of({Verdict::full, Verdict::partial, Verdict::wrong,
                                            Verdict::unparsed, Verdict::failed, Verdict::shown}));
  EXPECT_THAT(xml,
              HasSubstr("<testsuite name=\"A &amp; B\" tests=\"7\" failures=\"3\" errors=\"1\" "
                        "skipped=\"2\" time=\"3.000\""));
  EXPECT_THAT(xml, HasSubstr("name=\"q0\" time=\"0.500\"></testcase>"));
  EXPECT_THAT(xml, HasSubstr(">&lt;a&gt;\xEF\xBF\xBD</failure>"));
  EXPECT_THAT(xml, HasSubstr("<error message=\"no &quot;luck&quot;\"/>"));
  EXPECT_THAT(xml, HasSubstr("name=\"q6\" time=\"0.000\"><skipped message=\"not asked\"/>"));
}

}  // namespace
}  // namespace visavis::report
