#include "harness/graders/normalise.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace visavis::graders {
namespace {

TEST(Normalise, MakesSpellingsOfTheSameTextEqual) {
  const std::vector<std::pair<const char*, const char*>> same = {
      {"红色。", "红色"},
      {"ＲＥＤ", "red"},
      {"紅色", "红色"},
      {"答案是红色", "红色"},
      {"答案：红色！", "红色"},
      {"这是一只猫。", "一只猫"},
      {"图中是红色的", "是红色"},
      {"The answer is Red.", "red"},
      {"A cat", "cat"},
      {"the  red   cup", "red cup"},
      {"红 色", "红色"},
      {"**红色**", "红色"},
      {"1,000", "1000"},
      {"3.5", "3.5"},
      {"It's red", "red"},
      {"③", "3"},
      {"茶\n杯", "茶杯"},
      {"左 3 个", "左3个"},
      {"ｃｏｆｆｅｅ　ｃｕｐ", "coffee cup"},
  };
  for (const auto& [text, normal] : same) EXPECT_EQ(normalise(text), normal) << text;
}

TEST(Normalise, KeepsLeadInsAndParticlesWhenNothingElseIsThere) {
  EXPECT_EQ(normalise("的"), "的");
  EXPECT_EQ(normalise("答案"), "答案");
  EXPECT_EQ(normalise("A"), "a");
  EXPECT_EQ(normalise("the"), "the");
  EXPECT_EQ(normalise("。"), "");
}

TEST(ReadNumber, KnowsDigitsChineseNumeralsWordsAndMeasures) {
  const std::vector<std::pair<const char*, double>> numbers = {
      {"3", 3},           {"三", 3},          {"两", 2},         {"十", 10},   {"十三", 13},
      {"二十", 20},       {"二十五", 25},     {"一百零五", 105}, {"廿三", 23}, {"三万", 30000},
      {"一千二百", 1200}, {"二〇二四", 2024}, {"三个", 3},       {"12只", 12}, {"两盏", 2},
      {"seven", 7},       {"twenty", 20},     {"3.5", 3.5},      {"-2", -2},   {"〇", 0},
  };
  for (const auto& [text, value] : numbers) EXPECT_EQ(read_number(text), value) << text;
}

TEST(ReadNumber, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "红", "三只猫", "a3", "3 cups", "个", "1e3", "nan", "inf", "0x10",
                           "一一一一一一一一一一一一一一一一一一一一"})
    EXPECT_FALSE(read_number(text).has_value()) << text;
}

TEST(NumbersIn, FindsThemInRunningText) {
  EXPECT_EQ(numbers_in(fold("There are 3 cups in row 2.")), (std::vector<double>{3, 2}));
  EXPECT_EQ(numbers_in(fold("第二排有十三个杯子")), (std::vector<double>{2, 13}));
  EXPECT_EQ(numbers_in(fold("seven of 1,200")), (std::vector<double>{7, 1200}));
  EXPECT_EQ(numbers_in(fold("3.5米, 共３个")), (std::vector<double>{3.5, 3}));
  EXPECT_TRUE(numbers_in(fold("none at all")).empty());
}

TEST(YesNo, TriesTheNegationFirst) {
  EXPECT_EQ(yes_no_answer(normalise("不是。")), false);
  EXPECT_EQ(yes_no_answer(normalise("没有，图中没有猫")), false);
  EXPECT_EQ(yes_no_answer(normalise("是的，有一只猫")), true);
  EXPECT_EQ(yes_no_answer(normalise("有的")), true);
  EXPECT_EQ(yes_no_answer(normalise("No, there isn't")), false);
  EXPECT_EQ(yes_no_answer(normalise("Yes.")), true);
  EXPECT_EQ(yes_no_answer(normalise("不确定")), std::nullopt);
  EXPECT_EQ(yes_no_answer(normalise("nothing")), std::nullopt);
  EXPECT_EQ(yes_no_answer(normalise("红色")), std::nullopt);
}

}  // namespace
}  // namespace visavis::graders
