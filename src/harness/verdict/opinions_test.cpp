#include "harness/verdict/opinions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "harness/store/opinion_files.h"
#include "harness/verdict/counted.h"
#include "harness/verdict/family.h"

namespace visavis::verdict {
namespace {

using graders::Verdict;
using testing::HasSubstr;

store::RunData small_run() {
  store::RunData run;
  run.models.resize(2);
  run.models[1].id = 1;
  run.models[0].label = run.models[0].provider = "demo-qwen3-vl";
  run.models[1].label = run.models[1].provider = "demo-llava";
  run.suites.push_back({.id = 0, .name = "s", .title = {}, .description = {}, .scenarios = {}});
  for (int64_t i = 0; i < 4; ++i) {
    store::ItemRow item;
    item.id = i;
    item.question.id = "q" + std::to_string(i);
    run.items.push_back(item);
    for (int64_t model = 0; model < 2; ++model) {
      store::GradeRow grade{.model = model, .item = i, .grader = "exact", .grade = {}};
      grade.grade.verdict = i < 2 ? Verdict::full : Verdict::wrong;
      run.grades.push_back(grade);
    }
  }
  return run;
}

store::JudgementRow pair(int64_t item, int64_t first, int64_t second, const char* outcome) {
  store::JudgementRow row;
  row.kind = "pair";
  row.item = item;
  row.first = first;
  row.second = second;
  row.judge = "http://qwen.example/v1#qwen3-vl-32b";
  row.outcome = outcome;
  row.seconds = 1;
  return row;
}

TEST(Opinions, APairThatGoesWithTheSideIsATie) {
  store::RunData run = small_run();
  run.judgements = {pair(0, 0, 1, "first"),  pair(0, 1, 0, "second"),  // model 0 both times
                    pair(1, 0, 1, "first"),  pair(1, 1, 0, "first"),   // whoever stands first
                    pair(2, 0, 1, "second"), pair(2, 1, 0, "first"),   // model 1 both times
                    pair(3, 0, 1, "first"),  pair(3, 1, 0, "unparsed")};
  const std::vector<JudgeSummary> judges = summarise_judges(run);
  ASSERT_EQ(judges.size(), 1u);
  ASSERT_EQ(judges[0].pairs.size(), 1u);
  const JudgedPair& found = judges[0].pairs[0];
  EXPECT_EQ(found.first_wins, 1);
  EXPECT_EQ(found.second_wins, 1);
  EXPECT_EQ(found.ties, 1);
  EXPECT_EQ(found.inconsistent, 1);
  EXPECT_EQ(found.unreadable, 1);
  EXPECT_EQ(judges[0].unparsed, 1);
}

TEST(Opinions, AJudgeOfOneContestantsFamilyIsWarnedOf) {
  store::RunData run = small_run();
  run.judgements = {pair(0, 0, 1, "tie")};
  const auto warning = summarise_judges(run)[0].partiality;
  ASSERT_TRUE(warning);
  EXPECT_THAT(warning->en, HasSubstr("demo-qwen3-vl, qwen"));
  run.models[1].facts.family = "qwen";
  EXPECT_FALSE(summarise_judges(run)[0].partiality) << "both are of the family";
  run.models[0].facts.family = run.models[1].facts.family = "llava";
  EXPECT_FALSE(summarise_judges(run)[0].partiality) << "none is";
}

TEST(Opinions, FamiliesGoByName) {
  EXPECT_EQ(family_of("models/Qwen2.5-VL-7B"), "qwen");
  EXPECT_EQ(family_of("LlavaForConditionalGeneration"), "llava");
  EXPECT_EQ(family_of("https://llama.example/v1#my-model"), "");
  EXPECT_EQ(family_of("http://h/v1#InternVL3-8B"), "intern");
}

TEST(Opinions, TheLastWordOfAPersonCounts) {
  store::RunData run = small_run();
  for (const Verdict verdict : {Verdict::wrong, Verdict::full})
    run.human_verdicts.push_back(
        {.id = 0, .item = 0, .model = 0, .verdict = verdict, .who = "Li", .given_at = "t"});
  for (int64_t i = 1; i < 4; ++i)
    run.human_verdicts.push_back({.id = 0,
                                  .item = i,
                                  .model = 0,
                                  .verdict = i == 1 ? Verdict::full : Verdict::wrong,
                                  .who = "Li",
                                  .given_at = "t"});
  const std::vector<GraderAgreement> found = agreements(run);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].grader, "automatic");
  EXPECT_EQ(found[0].agreement.items, 4);
  EXPECT_EQ(found[0].agreement.kappa, 1);
}

store::RunData graded_run() {
  store::RunData run = small_run();
  run.suites[0].scenarios.push_back({.id = "", .title = {}, .graded = true});
  return run;
}

void judge(store::RunData& run, int64_t item, Verdict verdict, const char* who) {
  run.human_verdicts.push_back({.id = static_cast<int64_t>(run.human_verdicts.size()),
                                .item = item,
                                .model = 1,
                                .verdict = verdict,
                                .who = who,
                                .given_at = "t"});
}

TEST(Counted, PeoplesVerdictsStandInPlaceOfGradesAndSayWhatTheyReplace) {
  store::RunData run = graded_run();
  judge(run, 0, Verdict::wrong, "Li");  // was full
  judge(run, 2, Verdict::wrong, "Li");  // as it was
  judge(run, 3, Verdict::wrong, "Li");  // taken back
  judge(run, 3, Verdict::partial, "Li");
  const std::vector<store::GradeRow> counted = counted_grades(run);
  ASSERT_EQ(counted.size(), run.grades.size());
  const auto of = [&](int64_t item) { return counted[static_cast<size_t>(2 * item + 1)].grade; };
  EXPECT_EQ(of(0).verdict, Verdict::wrong);
  EXPECT_EQ(of(0).score, 0);
  EXPECT_THAT(of(0).rule, HasSubstr("people (Li); automatic: full"));
  EXPECT_EQ(of(1).verdict, Verdict::full) << "nobody judged it";
  EXPECT_EQ(of(3).verdict, Verdict::partial);
  EXPECT_EQ(of(3).score, 0.5);
  EXPECT_EQ(counted[0].grade.verdict, Verdict::full) << "of the other model";
  const std::vector<Overruling> rows = overrulings(run, counted);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].model, 1u);
  EXPECT_EQ(rows[0].judged, 3);
  EXPECT_EQ(rows[0].changed, 2);
  EXPECT_EQ(rows[0].graded, 4);
  EXPECT_EQ(rows[0].full, 2);
}

TEST(Counted, OfSeveralPeopleMostCountAndThenTheLast) {
  store::RunData run = graded_run();
  judge(run, 0, Verdict::partial, "Li");
  judge(run, 0, Verdict::partial, "Ann");
  judge(run, 0, Verdict::wrong, "Wang");
  judge(run, 1, Verdict::partial, "Wang");
  judge(run, 1, Verdict::wrong, "Ann");
  run.grades[5].grade.verdict = Verdict::failed;
  judge(run, 2, Verdict::full, "Li");
  const std::vector<store::GradeRow> counted = counted_grades(run);
  EXPECT_EQ(counted[1].grade.verdict, Verdict::partial);
  EXPECT_EQ(counted[3].grade.verdict, Verdict::wrong);
  EXPECT_EQ(counted[5].grade.verdict, Verdict::failed) << "there is no answer to judge";
}

TEST(Opinions, VotesGiveStrengths) {
  store::RunData run = small_run();
  for (int64_t i = 0; i < 4; ++i)
    for (const char* who : {"Li", "Wang", "Ann"})
      run.human_votes.push_back({.id = 0,
                                 .item = i,
                                 .first = i % 2,
                                 .second = 1 - i % 2,
                                 .score = i == 3       ? 0.5
                                          : i % 2 == 0 ? 1.0
                                                       : 0.0,
                                 .who = who,
                                 .given_at = "t"});
  run.human_votes.push_back(run.human_votes.back());  // said twice, counted once
  const Votes votes = count_votes(run);
  EXPECT_EQ(votes.votes, 12);
  EXPECT_EQ(votes.people, 3);
  ASSERT_TRUE(votes.strengths);
  EXPECT_GT((*votes.strengths)[0].value, (*votes.strengths)[1].value);
}

TEST(OpinionFiles, GoOutAndComeBackInBothForms) {
  store::RunData run = small_run();
  run.human_verdicts.push_back({.id = 1,
                                .item = 2,
                                .model = 1,
                                .verdict = Verdict::partial,
                                .who = "李, \"L\"",
                                .given_at = "2026-01-01T00:00:00Z",
                                .note = "两行\nof text"});
  run.human_votes.push_back({.id = 1,
                             .item = 0,
                             .first = 1,
                             .second = 0,
                             .score = 0.5,
                             .who = "Li",
                             .given_at = "2026-01-01T00:00:00Z"});
  for (const bool csv : {true, false}) {
    const std::string text = csv ? store::opinions_csv(run) : store::opinions_jsonl(run);
    const store::HumanOpinions back = store::read_opinions(run, text, "file", csv);
    ASSERT_EQ(back.verdicts.size(), 1u) << text;
    EXPECT_EQ(back.verdicts[0].note, "两行\nof text");
    EXPECT_EQ(back.verdicts[0].who, run.human_verdicts[0].who);
    ASSERT_EQ(back.votes.size(), 1u);
    EXPECT_EQ(back.votes[0].first, 1);
    const store::HumanOpinions fresh = store::only_new(run, back);
    EXPECT_TRUE(fresh.verdicts.empty() && fresh.votes.empty());
  }
}

TEST(OpinionFiles, BadRowsAreRefusedWithTheirLine) {
  const store::RunData run = small_run();
  const auto error_of = [&](const std::string& text, bool csv) -> std::string {
    try {
      store::read_opinions(run, text, "f", csv);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const std::string head = "id,model,verdict,who\n";
  EXPECT_THAT(error_of(head + "q0,demo-llava,full,Li\nq9,demo-llava,full,Li\n", true),
              testing::StartsWith("f:3: no question 'q9'"));
  EXPECT_THAT(error_of(head + "q0,other,full,Li\n", true), HasSubstr("known: demo-qwen3-vl"));
  EXPECT_THAT(error_of(head + "q0,demo-llava,good,Li\n", true), HasSubstr("wanted full"));
  EXPECT_THAT(error_of(head + "q0,demo-llava,full,\n", true), HasSubstr("'who' is empty"));
  EXPECT_THAT(error_of(head + "q0,demo-llava\n", true), HasSubstr("found 2 fields, wanted 4"));
  EXPECT_THAT(error_of(head + "\"q0", true), HasSubstr("does not end"));
  EXPECT_THAT(error_of("id,colour\nq0,red\n", true), HasSubstr("unknown field 'colour'"));
  EXPECT_THAT(error_of("{\"id\": \"q0\"\n", false), HasSubstr("f:1"));
  EXPECT_THAT(error_of(R"({"id":"q0","first":"demo-llava","second":"demo-qwen3-vl","score":2,)"
                       R"("who":"Li"})",
                       false),
              HasSubstr("wanted 1, 0.5 or 0"));
}

}  // namespace
}  // namespace visavis::verdict
