#include "harness/graders/graders.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "harness/graders/match.h"

namespace visavis::graders {
namespace {

using namespace std::string_literals;

suites::Question question_of(const char* grader, suites::Key key) {
  suites::Question question;
  question.id = "q";
  question.grader = grader;
  question.key = std::move(key);
  return question;
}

Grade graded(const suites::Question& question, const std::string& answer) {
  chat::Completion completion;
  completion.text = answer;
  return grade(question, true, completion, Cutoffs());
}

TEST(Graders, HaveUniqueNames) {
  std::set<std::string> names;
  for (const Grader& grader : graders()) EXPECT_TRUE(names.insert(grader.name).second);
  EXPECT_THROW(find_grader("bleu"), Error);
}

TEST(Grade, OfAFailureIsFailedAndOfSilenceUnparsed) {
  const auto question = question_of("exact", {.answers = {"红"}});
  EXPECT_EQ(grade(question, true, chat::Failure{"no"}, {}).verdict, Verdict::failed);
  EXPECT_EQ(graded(question, "").verdict, Verdict::unparsed);
  EXPECT_EQ(graded(question, " \n").verdict, Verdict::unparsed);
}

TEST(Grade, IsOnlyShownInAScenarioThatIsNotGraded) {
  const auto question = question_of("exact", {.answers = {"红"}});
  chat::Completion completion;
  completion.text = "蓝";
  EXPECT_EQ(grade(question, false, completion, {}).verdict, Verdict::shown);
  EXPECT_EQ(graded(question_of("shown", {}), "anything").verdict, Verdict::shown);
}

TEST(Exact, AcceptsSpellingsOfTheKeyOnly) {
  const auto question = question_of("exact", {.answers = {"红色", "red"}});
  const Grade plain = graded(question, "红色");
  EXPECT_EQ(plain.verdict, Verdict::full);
  EXPECT_TRUE(plain.raw_match);
  EXPECT_EQ(plain.rule, "exact.text");
  const Grade spelled = graded(question, "答案是紅色。");
  EXPECT_EQ(spelled.verdict, Verdict::full);
  EXPECT_FALSE(spelled.raw_match);
  EXPECT_EQ(graded(question, "Red.").verdict, Verdict::full);
  EXPECT_EQ(graded(question, "红色和蓝色").verdict, Verdict::wrong);
  EXPECT_EQ(graded(question, "蓝色").verdict, Verdict::wrong);
}

TEST(Exact, ComparesNumbersAndYesNoByMeaning) {
  const auto three = question_of("exact", {.answers = {"3"}});
  for (const char* answer : {"3", "三", "三个", "图中有三个。", "Three", "There are 3.", "３"})
    EXPECT_EQ(graded(three, answer).verdict, Verdict::full) << answer;
  for (const char* answer : {"4", "十三", "13", "三四", "三个杯子和两个碗"})
    EXPECT_EQ(graded(three, answer).verdict, Verdict::wrong) << answer;
  const auto yes = question_of("exact", {.answers = {"有"}});
  EXPECT_EQ(graded(yes, "是的，有一只").verdict, Verdict::full);
  EXPECT_EQ(graded(yes, "没有").verdict, Verdict::wrong);
  EXPECT_EQ(graded(yes, "不知道").verdict, Verdict::wrong);
}

TEST(Contains, RespectsWordAndNumeralBoundaries) {
  const auto cat = question_of("contains", {.answers = {"cat"}});
  EXPECT_EQ(graded(cat, "I see a cat.").verdict, Verdict::full);
  EXPECT_EQ(graded(cat, "Two cats!").verdict, Verdict::full);
  EXPECT_EQ(graded(cat, "concatenate the category").verdict, Verdict::wrong);
  EXPECT_EQ(graded(cat, "图中是cat吗").verdict, Verdict::full);
  const auto cup = question_of("contains", {.answers = {"杯子"}});
  EXPECT_EQ(graded(cup, "桌上有一个红杯子和书").verdict, Verdict::full);
  EXPECT_EQ(graded(cup, "桌上有一个碗").verdict, Verdict::wrong);
  const auto three = question_of("contains", {.answers = {"3"}});
  EXPECT_EQ(graded(three, "架子上一共有三个杯子").verdict, Verdict::full);
  EXPECT_EQ(graded(three, "There are 3 cups").verdict, Verdict::full);
  EXPECT_EQ(graded(three, "架子上有十三个杯子").verdict, Verdict::wrong);
  EXPECT_EQ(graded(three, "There are 13, or 3.5").verdict, Verdict::wrong);
}

TEST(Contains, SeesThroughNegation) {
  const auto cat = question_of("contains", {.answers = {"猫", "cat"}});
  for (const char* answer : {"图中没有猫", "这不是猫，是狗", "没看到任何猫", "There is no cat",
                             "It isn't a cat but a dog", "a room without any cat"})
    EXPECT_EQ(graded(cat, answer).verdict, Verdict::wrong) << answer;
  for (const char* answer : {"没有狗，有猫", "不是狗而是猫", "It is not a dog, it is a cat",
                             "not only a cat", "非常大的猫", "no dog but a cat"})
    EXPECT_EQ(graded(cat, answer).verdict, Verdict::full) << answer;
  const auto yes = question_of("contains", {.answers = {"是"}});
  EXPECT_EQ(graded(yes, "不是").verdict, Verdict::wrong);
  EXPECT_EQ(graded(yes, "是的").verdict, Verdict::full);
}

TEST(Contains, PointsAtWhatItFound) {
  const auto question = question_of("contains", {.answers = {"蓝色", "红色"}});
  const Grade grade = graded(question, "我看到紅色的灯");
  ASSERT_EQ(grade.evidence.size(), 1u);
  const Evidence& evidence = grade.evidence.front();
  EXPECT_EQ(evidence.wanted, "红色");
  EXPECT_EQ(grade.normalised.substr(static_cast<size_t>(evidence.begin),
                                    static_cast<size_t>(evidence.end - evidence.begin)),
            "红色");
}

const suites::Key kDesk = {.facts = {{{"相机", "camera"}},
                                     {{"手机", "phone"}},
                                     {{"显示器", "monitor"}},
                                     {{"白色墙", "墙面是白色"}},
                                     {{"钥匙"}}},
                           .contradictions = {"鼠标", "手机壳"}};

TEST(Facts, FallIntoThreeBuckets) {
  const auto question = question_of("facts", kDesk);
  const Grade most = graded(question, "桌上有相机、手机和显示器。墙面是白色。");
  EXPECT_DOUBLE_EQ(most.score, 0.8);
  EXPECT_EQ(most.verdict, Verdict::full);
  const Grade some = graded(question, "A camera and two phones.");
  EXPECT_DOUBLE_EQ(some.score, 0.4);
  EXPECT_EQ(some.verdict, Verdict::partial);
  EXPECT_EQ(graded(question, "一把钥匙").verdict, Verdict::wrong);
  EXPECT_EQ(graded(question, "什么都没有").score, 0);
}

TEST(Facts, AreNeverFullyRightWithAContradiction) {
  const auto question = question_of("facts", kDesk);
  const Grade grade = graded(question, "相机、手机、显示器、钥匙、鼠标，墙面是白色。");
  EXPECT_DOUBLE_EQ(grade.score, 1);
  EXPECT_EQ(grade.verdict, Verdict::partial);
  EXPECT_EQ(grade.rule, "facts.contradicted");
  EXPECT_EQ(grade.evidence.back().kind, "contradiction");
  EXPECT_EQ(graded(question, "相机、手机、显示器、钥匙。没有鼠标。墙面是白色").verdict,
            Verdict::full);
}

TEST(Facts, DoNotCountAsPartOfALongerContradiction) {
  const auto question = question_of("facts", kDesk);
  const Grade grade = graded(question, "一个手机壳");
  EXPECT_EQ(grade.score, 0);
  EXPECT_EQ(grade.rule, "facts.contradicted");
}

const suites::Key kRoom = {
    .changes = {{{"地板", "floor"}}, {{"灯", "lamp"}}, {{"墙面颜色", "墙的颜色"}}},
    .distractors = {{{"沙发", "sofa"}}, {{"台灯", "desk lamp"}}}};

TEST(Changes, ScoreF1OverTheKey) {
  const auto question = question_of("changes", kRoom);
  const Grade all = graded(question, "变化：地板换了，灯没有了，墙面颜色变了。");
  EXPECT_DOUBLE_EQ(all.score, 1);
  EXPECT_EQ(all.verdict, Verdict::full);
  EXPECT_TRUE(all.raw_match);
  // One right, two missed, one false claim: 2 / (2 + 1 + 2).
  const Grade some = graded(question, "The floor and the sofa changed.");
  EXPECT_DOUBLE_EQ(some.score, 0.4);
  EXPECT_EQ(some.verdict, Verdict::partial);
  EXPECT_EQ(graded(question, "没有任何不同").verdict, Verdict::wrong);
}

TEST(Changes, IgnoreWhatStayedTheSame) {
  const auto question = question_of("changes", kRoom);
  const Grade grade = graded(question, "地板换了，灯换了，墙面颜色也换了，沙发没有变化。");
  EXPECT_DOUBLE_EQ(grade.score, 1);
  EXPECT_EQ(graded(question, "the floor is unchanged").score, 0);
}

TEST(Changes, DoNotTakeADistractorForAChangeThatItContains) {
  const auto question = question_of("changes", kRoom);
  const Grade grade = graded(question, "台灯不见了");
  EXPECT_EQ(grade.score, 0);
  EXPECT_EQ(grade.verdict, Verdict::wrong);
}

TEST(RequireGradable, NamesTheQuestionAndWhatItLacks) {
  suites::Suite suite;
  suite.source = "items.jsonl";
  suite.questions = {question_of("facts", {.answers = {"x"}})};
  try {
    require_gradable(suite);
    FAIL() << "wanted an Error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "items.jsonl: question 'q': grader 'facts' needs 'facts', which is absent");
  }
  suite.questions = {question_of("rouge", {})};
  EXPECT_THROW(require_gradable(suite), Error);
  suite.questions = {question_of("shown", {})};
  EXPECT_NO_THROW(require_gradable(suite));
}

TEST(Grade, SurvivesAnyBytes) {
  const std::string bytes = "\xff\xfe\x00\xe4\xbd 3'.,-\n\xf0\x9f\x98"s;
  for (const Grader& grader : graders()) {
    const auto question = question_of(
        grader.name, {.answers = {"3", "\xff"}, .facts = {{{"'"}}}, .changes = {{{"-"}}}});
    for (size_t length = 0; length <= bytes.size(); ++length)
      EXPECT_NO_THROW(graded(question, bytes.substr(0, length)));
  }
}

TEST(Verdicts, KeepTheirNames) {
  for (const Verdict verdict : {Verdict::full, Verdict::partial, Verdict::wrong, Verdict::unparsed,
                                Verdict::refused, Verdict::failed, Verdict::shown})
    EXPECT_EQ(verdict_from(name_of(verdict)), verdict);
  EXPECT_THROW(verdict_from("great"), Error);
}

}  // namespace
}  // namespace visavis::graders
