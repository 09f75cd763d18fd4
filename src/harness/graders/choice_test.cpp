#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/graders/graders.h"

namespace visavis::graders {
namespace {

suites::Question question_with(std::vector<std::string> options, std::string answer = "A") {
  suites::Question question;
  question.id = "q";
  question.grader = "choice";
  question.key.answers = {std::move(answer)};
  question.key.options = std::move(options);
  return question;
}

const std::vector<std::string> kAnimals = {"a cat", "a dog", "a horse", "two cats", "no animal"};
const std::vector<std::string> kColours = {"红色", "蓝色", "绿色", "黄色"};

// The letter that is read, or "?" for none, and the rule.
std::string read(const std::string& reply, const std::vector<std::string>& options = kAnimals) {
  chat::Completion completion;
  completion.text = reply;
  const Grade grade = graders::grade(question_with(options), true, completion, {});
  if (grade.verdict == Verdict::unparsed) return "?";
  return grade.evidence.front().found + " " + grade.rule.substr(7);
}

struct Reply {
  const char* text;
  const char* wanted;
};

class Replies : public testing::TestWithParam<Reply> {};

TEST_P(Replies, AreReadAsTheyWereMeant) {
  EXPECT_EQ(read(GetParam().text), GetParam().wanted) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(Letters, Replies,
                         testing::Values(Reply{"B", "B letter"}, Reply{"b", "B letter"},
                                         Reply{"(B)", "B letter"}, Reply{"B.", "B letter"},
                                         Reply{"**C**", "C letter"}, Reply{"Ｂ", "B letter"},
                                         Reply{"（B）", "B letter"}, Reply{"【D】", "D letter"},
                                         Reply{"Z", "?"}, Reply{"\n E:\n", "E letter"}));

INSTANTIATE_TEST_SUITE_P(
    Marked, Replies,
    testing::Values(Reply{"答案是B。", "B marked"}, Reply{"答案：B", "B marked"},
                    Reply{"选B", "B marked"}, Reply{"应选 C", "C marked"},
                    Reply{"故选择D选项", "D marked"}, Reply{"正确答案为Ｅ", "E marked"},
                    Reply{"Answer: B. It is not A though", "B marked"},
                    Reply{"The answer is E because there is nothing.", "E marked"},
                    Reply{"The answer is A because it purrs", "A marked"},
                    Reply{"The correct answer is (c).", "C marked"},
                    Reply{"Final answer: \\boxed{D}", "D boxed"},
                    Reply{"{\"answer\": \"C\"}", "C json"},
                    Reply{"I first thought option A, but the answer is B.", "B marked"},
                    Reply{"The answer should be option D.", "D marked"},
                    Reply{"<think>maybe the answer is A</think>The answer is C", "C marked"},
                    Reply{"不选A，选B", "B marked"}, Reply{"答案不是A，答案是C", "C marked"},
                    Reply{"My choice is a) maybe", "A marked"}));

INSTANTIATE_TEST_SUITE_P(
    Free, Replies,
    testing::Values(Reply{"B: a dog", "B free"}, Reply{"I think it is B, clearly", "B free"},
                    Reply{"图中的动物对应D。", "D free"}, Reply{"B is right, B it is", "B free"},
                    Reply{"It is not A, it is B", "B free"}, Reply{"排除A，只能是C", "C free"},
                    Reply{"(c) is what I see", "C free"}, Reply{"A or B", "?"},
                    Reply{"I see nothing that fits", "?"}));

INSTANTIATE_TEST_SUITE_P(
    Words, Replies,
    testing::Values(Reply{"A dog sits there", "B text"}, Reply{"I see two cats.", "D text"},
                    Reply{"a horse", "C text"}, Reply{"There is no animal.", "E text"},
                    Reply{"a dog and a horse", "?"}, Reply{"It is not a dog but a horse", "C text"},
                    Reply{"an elephant", "?"}));

TEST(Choice, ReadsChineseOptions) {
  EXPECT_EQ(read("图中的汽车是蓝色的", kColours), "B text");
  EXPECT_EQ(read("不是红色，是綠色", kColours), "C text");
  EXPECT_EQ(read("选Ｄ，黄色", kColours), "D marked");
  EXPECT_EQ(read("E", kColours), "?");  // there are four
}

TEST(Choice, IsRightWrongOrUnparsedAndNeverGuessed) {
  chat::Completion completion;
  const auto verdict = [&](const char* reply, const char* key) {
    completion.text = reply;
    return graders::grade(question_with(kAnimals, key), true, completion, {}).verdict;
  };
  EXPECT_EQ(verdict("B", "B"), Verdict::full);
  EXPECT_EQ(verdict("B", "a dog"), Verdict::full);
  EXPECT_EQ(verdict("A", "B"), Verdict::wrong);
  EXPECT_EQ(verdict("hard to say", "B"), Verdict::unparsed);
}

TEST(Choice, SaysWhereTheLetterStands) {
  chat::Completion completion;
  completion.text = "答案是B。";
  const Grade grade = graders::grade(question_with(kAnimals), true, completion, {});
  const Evidence& evidence = grade.evidence.front();
  EXPECT_EQ(grade.normalised.substr(static_cast<size_t>(evidence.begin), 1), "B");
}

TEST(Choice, NeedsOptionsAndAKeyAmongThem) {
  const Grader& grader = find_grader("choice");
  EXPECT_NE(grader.problem(question_with({"a"}).key), "");
  EXPECT_NE(grader.problem(question_with(kAnimals, "F").key), "");
  EXPECT_EQ(grader.problem(question_with(kAnimals, "E").key), "");
}

}  // namespace
}  // namespace visavis::graders
