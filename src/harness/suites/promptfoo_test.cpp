#include "harness/suites/promptfoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace visavis::suites {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Suite read(const std::string& text) { return parse_promptfoo(text, "folder/t.yaml"); }

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Promptfoo, AsksEveryTestWithEveryPrompt) {
  const Suite suite = read(
      "description: cups\n"
      "providers: [openai:gpt-4o]\n"
      "prompts: ['{{question}}', 'In one word: {{ question }}']\n"
      "tests:\n"
      "  - vars: {image: file://img/a.png, question: 'What colour is the cup?'}\n"
      "    assert: [{type: icontains, value: red}]\n"
      "    metadata: {id: cup, scenario: shelf}\n"
      "  - vars: {images: [a.png, b.png], question: '哪里变了？'}\n"
      "    assert: [{type: change-list, value: [地板, {any: [吊灯, 灯]}]}]\n");
  ASSERT_EQ(suite.questions.size(), 4U);
  EXPECT_EQ(suite.questions[0].id, "cup-p1");
  EXPECT_EQ(suite.questions[1].question, "In one word: What colour is the cup?");
  EXPECT_EQ(suite.questions[0].images[0].path, "folder/img/a.png");
  EXPECT_EQ(suite.questions[0].grader, "contains");
  EXPECT_THAT(suite.questions[0].key.answers, ElementsAre("red"));
  EXPECT_EQ(suite.questions[0].scenario, "shelf");
  EXPECT_EQ(suite.questions[2].lang, "zh");
  EXPECT_EQ(suite.questions[2].images.size(), 2U);
  EXPECT_EQ(suite.questions[2].grader, "changes");
  EXPECT_THAT(suite.questions[2].key.changes[1].any, ElementsAre("吊灯", "灯"));
  EXPECT_EQ(suite.notes.size(), 1U);  // providers are the experiment's business
}

TEST(Promptfoo, TakesSeveralAssertsTogether) {
  const Suite suite = read(
      "defaultTest: {assert: [{type: not-contains, value: sorry}], vars: {who: you}}\n"
      "prompts: ['What do {{who}} see?']\n"
      "tests:\n"
      "  - assert: [{type: contains-all, value: [cup, red]}, {type: regex, value: '^A', weight: "
      "2}]\n");
  const Question& question = suite.questions.at(0);
  EXPECT_EQ(question.question, "What do you see?");
  EXPECT_EQ(question.grader, "all");
  ASSERT_EQ(question.key.parts.size(), 3U);
  EXPECT_TRUE(question.key.parts[0].negated);
  EXPECT_EQ(question.key.parts[1].grader, "facts");
  EXPECT_EQ(question.key.parts[1].keys[0].facts_full, 1);
  EXPECT_EQ(question.key.parts[2].weight, 2);
}

TEST(Promptfoo, ReadsChoicesAndSchemas) {
  const Suite suite = read(
      "- vars: {question: 'Which?', options: [cat, dog]}\n"
      "  assert: [{type: mcq, value: B}]\n"
      "- vars: {question: 'As JSON?'}\n"
      "  assert: [{type: is-json, value: {type: object, minProperties: 1, title: cup}}]\n"
      "- vars: {question: Look.}\n");
  EXPECT_EQ(suite.questions[0].grader, "choice");
  EXPECT_THAT(suite.questions[0].question, HasSubstr("B. dog"));
  EXPECT_EQ(suite.questions[1].key.schema, R"({"type":"object","minProperties":1,"title":"cup"})");
  EXPECT_EQ(suite.questions[2].grader, "shown");
}

TEST(Promptfoo, RefusesByNameWithTheLine) {
  const std::vector<std::pair<const char*, const char*>> refused = {
      {"tests:\n  - vars: {question: q}\n    assert: [{type: llm-rubric, value: nice}]\n",
       "folder/t.yaml:3: no grader for assert type 'llm-rubric'; known: equals,"},
      {"tests:\n  - vars: {question: q}\n    assert: [{type: equals, value: x, transform: y}]\n",
       "folder/t.yaml:3: unknown key 'transform'"},
      {"tests:\n  - vars: {question: q}\n    threshold: 0.5\n", ":3: unknown key 'threshold'"},
      {"prompts: [Hi]\ntests: []\n", ":2: 'tests' is not a list"},
      {"prompts: ['{{x}}']\ntests:\n  - vars: {y: 1}\n", ":3: the prompt of line 1 wants"},
      {"prompts: ['{{x']\ntests:\n  - vars: {x: 1}\n", ":1: a '{{' has no '}}'"},
      {"prompts: [file://p.txt]\ntests:\n  - vars: {x: 1}\n", ":1: a prompt is a file"},
      {"tests:\n  - vars: {question: [a, b]}\n", ":2: variable 'question' is no single value"},
      {"tests:\n  - vars: {question: q, image: 'https://example.org/a.png'}\n", "is no file"},
      {"tests:\n  - vars: {question: q}\n    assert: [{type: equals, value: '{{x}}'}]\n",
       ":3: 'value' of assert holds a {{variable}}"},
      {"scenarios: []\ntests: []\n", ":1: unknown key 'scenarios'"},
      {"[]\n", "holds no test"},
  };
  for (const auto& [text, why] : refused) EXPECT_THAT(error_of(text), HasSubstr(why)) << text;
}

}  // namespace
}  // namespace visavis::suites
