#include "engine/generate/answer_text.h"

#include <gtest/gtest.h>

namespace visavis::generate {
namespace {

struct Result {
  std::string streamed;
  std::string text;
  std::string thinking;
  bool stopped;
};

// Feeds the text in pieces of `size` bytes (ASCII only, so that any cut is a character's).
Result feed(const std::string& all, size_t size, std::vector<std::string> stops = {},
            bool opened = false) {
  AnswerText answer(std::move(stops), opened);
  std::string streamed;
  for (size_t i = 0; i < all.size() && !answer.stopped(); i += size) {
    streamed += answer.push(all.substr(i, size));
  }
  streamed += answer.finish();
  return {streamed, answer.text(), answer.thinking(), answer.stopped()};
}

TEST(AnswerText, IsTheSameHoweverTheTextIsCut) {
  for (const std::string stop : {"STOP", "aab", "\n\n", "</x>"}) {
    for (const std::string all :
         {"one STOP two", "aaab", "aaaab b", "x\n\n\ny", "a < b </x></x>"}) {
      const Result whole = feed(all, all.size(), {stop, "never"});
      const size_t at = all.find(stop);
      EXPECT_EQ(whole.text, all.substr(0, at)) << stop << " in " << all;
      EXPECT_EQ(whole.stopped, at != std::string::npos);
      for (size_t size = 1; size < all.size(); ++size) {
        const Result cut = feed(all, size, {stop, "never"});
        EXPECT_EQ(cut.text, whole.text) << size;
        EXPECT_EQ(cut.streamed, whole.text) << size;
        EXPECT_EQ(cut.stopped, whole.stopped) << size;
      }
    }
  }
}

TEST(AnswerText, TheStopStringThatEndsFirstWins) {
  for (size_t size = 1; size <= 8; ++size) {
    EXPECT_EQ(feed("abcdefgh", size, {"abcdef", "cd"}).text, "ab") << size;
    EXPECT_EQ(feed("abcdefgh", size, {"d", "bcd"}).text, "a") << size;
  }
}

TEST(AnswerText, HoldsBackOnlyWhatMayBecomeAStopString) {
  AnswerText answer({"END"}, false);
  EXPECT_EQ(answer.push("The E"), "The ");
  EXPECT_EQ(answer.push("N"), "");
  EXPECT_EQ(answer.push("T"), "ENT");
  EXPECT_EQ(answer.finish(), "");
  EXPECT_EQ(answer.text(), "The ENT");
}

TEST(AnswerText, AHeldBackBeginningIsShownAtTheEnd) {
  const Result result = feed("wait E", 1, {"END"});
  EXPECT_EQ(result.text, "wait E");
  EXPECT_FALSE(result.stopped);
}

TEST(AnswerText, ThinkingIsKeptApartAndNeverStreamed) {
  for (size_t size = 1; size < 30; ++size) {
    const Result opened = feed("\nso <so>\n</think>\n\nYes.", size, {}, true);
    EXPECT_EQ(opened.thinking, "so <so>");
    EXPECT_EQ(opened.text, "Yes.");
    EXPECT_EQ(opened.streamed, "Yes.");
    const Result tagged = feed("<think>hm</think>No.", size);
    EXPECT_EQ(tagged.thinking, "hm");
    EXPECT_EQ(tagged.streamed, "No.");
  }
}

TEST(AnswerText, ThinkingThatNeverEndsIsNoAnswer) {
  const Result result = feed("and so on", 3, {}, true);
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.thinking, "and so on");
}

TEST(AnswerText, StopStringsInsideThinkingDoNotCount) {
  const Result result = feed("a STOP b</think>c STOP d", 2, {"STOP"}, true);
  EXPECT_EQ(result.thinking, "a STOP b");
  EXPECT_EQ(result.text, "c ");
}

TEST(AnswerText, AnAnswerThatOnlyBeginsLikeThinkingIsShown) {
  EXPECT_EQ(feed("<thin ice", 1).text, "<thin ice");
  EXPECT_EQ(feed("<thi", 1).text, "<thi");
}

TEST(AnswerText, EmptyStopStringsAreIgnored) { EXPECT_EQ(feed("abc", 1, {""}).text, "abc"); }

}  // namespace
}  // namespace visavis::generate
