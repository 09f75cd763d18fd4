// The graders that take what is wanted in a language of its own: regex, schema; all, which combines
// others; and overlap and the other kit's ANLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/graders/graders.h"

namespace visavis::graders {
namespace {

using ::testing::HasSubstr;

Grade graded(const char* grader, suites::Key key, const std::string& reply) {
  suites::Question question;
  question.id = "q";
  question.grader = grader;
  question.key = std::move(key);
  EXPECT_EQ(problem_of(grader, question.key), "");
  chat::Completion completion;
  completion.text = reply;
  return grade(question, true, completion, {});
}

TEST(Regex, FindsOneOfItsPatterns) {
  const suites::Key key{.answers = {R"(^\d{4}-\d{2}-\d{2}$)", "(?i)second of may"}};
  const Grade whole = graded("regex", key, "2024-05-02");
  EXPECT_EQ(whole.verdict, Verdict::full);
  EXPECT_EQ(whole.rule, "regex.match");
  const Grade inside = graded("regex", key, "on the Second of May");
  EXPECT_EQ(inside.verdict, Verdict::full);
  EXPECT_EQ(inside.evidence[0].found, "Second of May");
  EXPECT_EQ(inside.evidence[0].begin, 7);
  EXPECT_EQ(graded("regex", key, "02.05.2024").verdict, Verdict::wrong);
  EXPECT_EQ(graded("regex", {.answers = {"龙+门"}}, "在龙龙门").evidence[0].begin, 3);
}

TEST(Regex, RefusesPatternsThatItCannotUse) {
  EXPECT_THAT(problem_of("regex", {.answers = {"(a"}}), HasSubstr("missing )"));
  EXPECT_THAT(problem_of("regex", {.answers = {R"((a)\1)"}}), HasSubstr(R"((a)\1)"));
  EXPECT_THAT(problem_of("regex", {}), HasSubstr("'answer'"));
}

TEST(Regex, TakesLinearTimeOnAHostilePair) {
  const Grade grade = graded("regex", {.answers = {"(a*)*b"}}, std::string(200'000, 'a'));
  EXPECT_EQ(grade.verdict, Verdict::wrong);
}

const char* const kCup =
    R"({"type": "object", "required": ["colour", "count"], "additionalProperties": false,
        "properties": {"colour": {"enum": ["red", "blue"]},
                       "count": {"type": "integer", "minimum": 0}}})";

TEST(Schema, ChecksJsonAloneOrInAFence) {
  const suites::Key key{.schema = kCup};
  EXPECT_EQ(graded("schema", key, R"({"colour": "red", "count": 2})").rule, "schema.whole");
  const Grade fenced =
      graded("schema", key, "Here:\n```json\n{\"colour\": \"blue\", \"count\": 0}\n```");
  EXPECT_EQ(fenced.verdict, Verdict::full);
  EXPECT_EQ(fenced.rule, "schema.fenced");
  EXPECT_FALSE(fenced.raw_match);
}

TEST(Schema, SaysWhatIsViolated) {
  const suites::Key key{.schema = kCup};
  for (const char* reply :
       {R"({"colour": "green", "count": 2})", R"({"colour": "red"})", R"([1])",
        R"({"colour": "red", "count": 2.5})", R"({"colour": "red", "count": -1})",
        R"({"colour": "red", "count": 1, "size": 3})"}) {
    const Grade grade = graded("schema", key, reply);
    EXPECT_EQ(grade.verdict, Verdict::wrong) << reply;
    EXPECT_FALSE(grade.evidence.empty()) << reply;
  }
  for (const char* reply : {"two red cups", "{\"colour\": ", "```json\n{}\n```\n```json\n{}\n```"})
    EXPECT_EQ(graded("schema", key, reply).rule, "schema.no_json") << reply;
  EXPECT_EQ(graded("schema", key, std::string(100'000, '[')).rule, "schema.no_json");
}

TEST(Schema, FollowsReferencesWithinItself) {
  const suites::Key key{
      .schema = R"({"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}})"};
  EXPECT_EQ(graded("schema", key, "[1, 2]").verdict, Verdict::full);
  EXPECT_EQ(graded("schema", key, "[1, \"2\"]").verdict, Verdict::wrong);
}

TEST(Schema, IsRefusedRatherThanPassedOver) {
  const std::vector<std::pair<const char*, const char*>> refused = {
      {"", "absent"},
      {"{", "that is JSON"},
      {"[]", "wanted a schema"},
      {R"({"typo": 1})", "'typo'"},
      {R"({"pattern": "a"})", "'pattern'"},
      {R"({"properties": {"a": {"format": "date"}}})", "'format'"},
      {R"({"$ref": "http://example.org/x"})", "wanted a place in itself"},
      {R"({"$ref": "#/nowhere"})", "does not exist"},
      {R"({"properties": {"a": {"$ref": "#/properties/a"}}})", "from within it"},
      {R"({"type": "integr"})", "cannot use its 'schema'"},
      {R"({"exclusiveMinimum": true})", "no number"},
  };
  for (const auto& [schema, why] : refused)
    EXPECT_THAT(problem_of("schema", {.schema = schema}), HasSubstr(why)) << schema;
}

suites::KeyPart part(const char* grader, const char* answer, bool negated = false,
                     double weight = 1) {
  return {grader, negated, weight, {suites::Key{.answers = {answer}}}};
}

TEST(All, WantsEveryPart) {
  const suites::Key key{
      .parts = {part("contains", "cup"), part("contains", "red"), part("contains", "cat", true)}};
  EXPECT_EQ(graded("all", key, "a red cup").verdict, Verdict::full);
  const Grade some = graded("all", key, "a blue cup");
  EXPECT_EQ(some.verdict, Verdict::partial);
  EXPECT_NEAR(some.score, 2.0 / 3, 1e-12);
  EXPECT_EQ(some.evidence[1].kind, "failed part");
  EXPECT_EQ(graded("all", key, "a red cup and a cat").verdict, Verdict::partial);
  const suites::Key weighted{.parts = {part("contains", "cup", false, 3), part("exact", "x")}};
  EXPECT_NEAR(graded("all", weighted, "a cup").score, 0.75, 1e-12);
}

TEST(All, RefusesPartsThatCannotBeGraded) {
  EXPECT_THAT(problem_of("all", {}), HasSubstr("'parts'"));
  EXPECT_THAT(problem_of("all", {.parts = {part("bleu", "x")}}), HasSubstr("no grader 'bleu'"));
  EXPECT_THAT(problem_of("all", {.parts = {part("regex", "(")}}), HasSubstr("missing )"));
  EXPECT_THAT(problem_of("all", {.parts = {part("all", "x")}}), HasSubstr("'all'"));
  EXPECT_THAT(problem_of("all", {.parts = {part("exact", "x", false, 0)}}), HasSubstr("weight"));
}

TEST(Overlap, IsF1OverCharactersAndWords) {
  EXPECT_DOUBLE_EQ(graded("overlap", {.answers = {"年年有余"}}, "年年有余。").score, 1);
  // 年 twice, 有 of four: 2 * 3 / (4 + 4).
  EXPECT_DOUBLE_EQ(graded("overlap", {.answers = {"年年有余"}}, "年年有福").score, 0.75);
  EXPECT_DOUBLE_EQ(graded("overlap", {.answers = {"red cup"}}, "the red bowl").score, 0.5);
  EXPECT_EQ(graded("overlap", {.answers = {"红"}}, "蓝").verdict, Verdict::wrong);
  EXPECT_DOUBLE_EQ(graded("overlap", {.answers = {"蓝", "红 cup"}}, "紅 Cup").score, 1);
}

// The published trap: ten trailing spaces give an answer that shares nothing 0.77.
TEST(AnlsOfVlmevalkit, RepeatsItsFigures) {
  const suites::Key key{.answers = {"abc"}};
  EXPECT_NEAR(graded("anls_vlmevalkit", key, "xyz          ").score, 1 - 3.0 / 13, 1e-12);
  EXPECT_EQ(graded("anls", key, "xyz          ").score, 0);
  EXPECT_DOUBLE_EQ(graded("anls_vlmevalkit", key, "ABC").score, 1);
  EXPECT_EQ(graded("anls_vlmevalkit", key, "xyz").score, 0);
  EXPECT_EQ(graded("anls_vlmevalkit", key, "abc").verdict, Verdict::full);
}

TEST(Refusals, AreAClassOfTheirOwn) {
  const suites::Key key{.answers = {"cup"}};
  const Grade refused = graded("contains", key, "I'm sorry, but I cannot help with that.");
  EXPECT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.rule, "refusal");
  EXPECT_EQ(refused.score, 0);
  // What a grader can read is an answer.
  EXPECT_EQ(graded("contains", key, "I cannot see the image well, but it is a cup").verdict,
            Verdict::full);
  EXPECT_EQ(graded("contains", key, "a bowl").verdict, Verdict::wrong);
  EXPECT_EQ(graded("contains", key, "I can't see any cat").verdict, Verdict::wrong);
  EXPECT_EQ(graded("exact", {.answers = {"红"}}, "抱歉，我無法查看圖片").verdict, Verdict::refused);
}

}  // namespace
}  // namespace visavis::graders
